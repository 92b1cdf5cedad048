"""Files: names as people read them, and writing that leaves a whole file or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isofield.errors import InputError


def printable(path: str | os.PathLike[str]) -> str:
    """A path as text that any terminal and file can take, also where its bytes are no text."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def os_reason(problem: Exception) -> str:
    """The operating system's words for an error, or the error's own."""
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)


def safe_id(id_: str) -> str:
    """An identifier that came out of a file, unchanged: names joined by "/", so that it stays below any folder.

    Raises `InputError` for one that is absolute, has an empty name, "." or "..", a backslash, or a NUL.
    """
    if not isinstance(id_, str) or {"", ".", ".."} & {*id_.split("/")} or "\\" in id_ or "\0" in id_:
        raise InputError(f"the id {id_!r} is not a relative path without '..': rename the shape.")
    return id_


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name `path` at the end, and vanishes where the block raises.

    Missing folders are made. Raises `InputError` where the system refuses.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))  # through a link to what it stands for
    beside = target.parent / f".isofield-{secrets.token_hex(6)}{target.suffix[:16]}"
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise InputError(f"{printable(path)} cannot be written ({os_reason(problem)}): choose another place.") from None
