"""Files: names for people, names that come out of files, and writes that leave a whole file or none."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from isofield.errors import InputError, OutputError

PARTIAL = ".isofield-"
"""Names of files and folders that are not yet whole begin with this; a killed process leaves them behind."""


def printable(path: str | os.PathLike[str]) -> str:
    """A path as text that any terminal and file can take, even if its bytes are not valid text."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def os_reason(problem: Exception) -> str:
    """The operating system's message for an error, or the error's own."""
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)


def safe_id(id_: str) -> str:
    """Returns an identifier that comes out of a file if it stays below any folder: names joined by "/".

    Raises `InputError` for one that is absolute, has an empty name, "." or "..", a backslash, or a NUL.
    """
    if not isinstance(id_, str) or {"", ".", ".."} & {*id_.split("/")} or "\\" in id_ or "\0" in id_:
        raise InputError(f"the id {id_!r} is not a relative path without '..': rename the shape.")
    return id_


def inside(folder: Path, name: str) -> Path:
    """The regular file that `name`, which comes out of a file, stands for in `folder`.

    Raises `InputError` where the name leads out of the folder (absolute, "..", a symbolic link), and for anything but
    a regular file.
    """
    path = Path() if "\0" in name else folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{printable(name)} lies outside {printable(folder)}: copy it into that folder.")
    if not path.is_file():
        raise InputError(f"{printable(path)} is missing or not a regular file: restore it.")
    return path


def distinct_names(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """The names of files and folders, or where two are equal, their paths below the folder that all have in common,
    without the extensions of files. Raises InputError for two files that differ in their extensions alone, and for one
    that is given twice."""
    if len({*names}) == len(names):
        return list(names)
    bare = [Path(os.path.abspath(path)) for path in paths]
    bare = [one if one.is_dir() else one.with_suffix("") for one in bare]
    common, named = os.path.commonpath([path.parent for path in bare]), dict[str, Path]()
    for path, one in zip(bare, paths, strict=True):
        name = path.relative_to(common).as_posix()
        if name in named:
            raise InputError(f"{named[name]} and {one} would both be called {name}: rename one.")
        named[name] = one
    return list(named)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write a file or a folder to.

    It is renamed to `path` at the end, in place of what was there, and removed if the block raises. Missing folders
    are made. Raises `OutputError` where the system refuses.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))  # follows a symbolic link
    beside = target.parent / f"{PARTIAL}{secrets.token_hex(6)}{target.suffix[:16]}"
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            if beside.is_dir() and target.is_dir():
                shutil.rmtree(target)
            os.replace(beside, target)
        finally:
            if beside.is_dir():
                shutil.rmtree(beside, ignore_errors=True)
            beside.unlink(missing_ok=True)
    except OSError as problem:
        reason = os_reason(problem)
        raise OutputError(f"{printable(path)} cannot be written ({reason}): choose another path.") from None
