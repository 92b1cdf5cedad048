"""Files: names for people, names that come out of files, checks before a file is written, and writes that leave a whole
file or none. It loads nothing heavy."""

from __future__ import annotations

import csv
import difflib
import io
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from isofield.errors import InputError, OutputError

PARTIAL = ".isofield-"
"""Names of files and folders that are not yet whole begin with this; a killed process leaves them behind."""
MESHES = ("ply", "obj", "stl", "off", "glb")
"""The extensions of meshes that `io.write_mesh` writes."""


def printable(path: str | os.PathLike[str]) -> str:
    """A path as text that any terminal and file can take, even if its bytes are not valid text."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def os_reason(problem: Exception) -> str:
    """The operating system's message for an error, or the error's own."""
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)


def safe_id(id_: str) -> str:
    """Returns an identifier that comes out of a file if it stays below any folder: names joined by "/".

    Raises `InputError` for one that is absolute, has an empty name, "." or "..", a backslash, or a NUL, and for bytes
    that are not UTF-8.
    """
    if isinstance(id_, str) and printable(id_) != id_:
        raise InputError(f"{printable(id_)} has a name that is not UTF-8, as old archives have them: rename the file.")
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


def names_folder(out: str) -> bool:
    """Whether an output means a folder: no extension, a slash at its end, or there is one already, not named as a mesh
    is."""
    return (
        out.endswith(("/", os.sep))
        or not Path(out).suffix
        or (Path(out).is_dir() and Path(out).suffix.lower().removeprefix(".") not in MESHES)
    )


def extension_of(path: Path) -> str:
    """The extension in lower case, without the dot; two parts for .tar.gz and .tar.bz2."""
    suffixes = [s[1:].lower() for s in path.suffixes]
    return ".".join(suffixes[-2:]) if suffixes[-2:-1] == ["tar"] else (suffixes[-1] if suffixes else "")


def check_output(path: str | os.PathLike[str], extensions: tuple[str, ...] = MESHES) -> Path:
    """Checks, before long work starts, that a file can be written to this path; leaves nothing behind.

    extensions: those that are allowed, without dots. Missing folders are made when the file is written. Returns the
    path. Raises `InputError` for another extension, a path that is a folder, a parent that is a file, and missing
    permissions.
    """
    path = Path(path)
    name = printable(path)
    extension = extension_of(path)
    if extension not in extensions:
        allowed = " ".join(f".{k}" for k in extensions)
        close = difflib.get_close_matches(extension, extensions, 1, 0.5)
        if not extension:
            raise InputError(f"{name} has no extension: end its name in one of {allowed}.")
        hint = f"perhaps you meant .{close[0]} (possible: {allowed})" if close else f"use one of {allowed}"
        raise InputError(f"{name} has the extension .{extension}, which isofield cannot write: {hint}.")
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder: name a file in it.")
        if path.exists() and not os.access(path, os.W_OK):
            raise InputError(f"{name} exists and is not writable: choose another name or change its permissions.")
        folder = _existing(path.resolve().parent)
        if not folder.is_dir():
            raise InputError(
                f"{name} cannot be written because {printable(folder)} is a file, not a folder: choose another folder."
            )
        probe = folder / f".isofield-{secrets.token_hex(6)}"
        probe.touch(exist_ok=False)
        probe.unlink()
        _nameable(path)
    except InputError:
        raise
    except (OSError, ValueError) as problem:
        raise InputError(f"{name} cannot be written ({os_reason(problem)}): choose another path.") from None
    return path


def _existing(folder: Path) -> Path:
    """A folder if it exists, else its nearest parent that does."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _nameable(path: Path) -> None:
    """Raises `OSError` if the name is too long for the file system."""
    with suppress(FileNotFoundError):
        os.stat(path)


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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text file in UTF-8, moved into place once it is whole. Raises as `atomic_write`."""
    with atomic_write(path) as beside:
        beside.write_text(text, encoding="utf-8")


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table as CSV under these names; a value that a row lacks, or None, is empty."""
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
