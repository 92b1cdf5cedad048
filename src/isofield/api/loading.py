"""Folders that isofield wrote, whatever is in them, and the spaces that are part of the package."""

from __future__ import annotations

import os
from pathlib import Path

from isofield.api.folder import load_field
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace
from isofield.api.space_folder import load_space
from isofield.errors import InputError
from isofield.folder_format import SPACE, place, read_config


def load(folder: str | os.PathLike[str]) -> SDF | ShapeSpace:
    """The field that `SDF.save` or `isofield fit` wrote into a folder, or the space of `isofield train`; "aircraft" is
    a space that comes with the package.

    Raises InputError for what is neither, one of a newer format, or one whose files are damaged.
    """
    path = place(Path(folder))
    return load_space(path) if read_config(path).get("kind") == SPACE else load_field(path)


def load_sdf(folder: str | os.PathLike[str]) -> SDF:
    """The field in a folder. Raises InputError as `load` does, and for a space."""
    found = load(folder)
    if isinstance(found, ShapeSpace):
        raise InputError(f"{folder} holds a space of shapes, and one field is asked for: give a field folder.")
    return found


def load_run(folder: str | os.PathLike[str]) -> ShapeSpace:
    """The space in a folder. Raises InputError as `load` does, and for a field."""
    found = load(folder)
    if isinstance(found, SDF):
        raise InputError(f"{folder} holds the field of one shape, and a space is asked for: give a run of `train`.")
    return found
