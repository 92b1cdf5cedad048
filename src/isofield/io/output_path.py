"""Paths that a run will write, checked before it starts: this file loads nothing heavy."""

from __future__ import annotations

import difflib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from isofield.errors import InputError
from isofield.files import os_reason, printable

EXTENSIONS = ("ply", "obj", "stl", "off", "glb")
"""The extensions that `write_mesh` writes."""


def extension_of(path: Path) -> str:
    """The extension in lower case, without the dot; two parts for .tar.gz and .tar.bz2."""
    suffixes = [s[1:].lower() for s in path.suffixes]
    return ".".join(suffixes[-2:]) if suffixes[-2:-1] == ["tar"] else (suffixes[-1] if suffixes else "")


def check_output(path: str | os.PathLike[str], extensions: tuple[str, ...] = EXTENSIONS) -> Path:
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
