"""Folders that isofield wrote, whatever is in them, and the spaces that are part of the package."""

from __future__ import annotations

import os
from pathlib import Path

from isofield.api.folder import load_field
from isofield.api.published_space import is_experiment, load_experiment
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace
from isofield.api.space_folder import load_space
from isofield.errors import InputError
from isofield.folder_format import CONFIG, SPACE, place, read_config
from isofield.training import SNAPSHOTS, STATE


def load(folder: str | os.PathLike[str]) -> SDF | ShapeSpace:
    """The field that `SDF.save` or `isofield fit` wrote into a folder, or the space of `isofield train`; "aircraft" is
    a space that comes with the package. The folder may be an experiment of DeepSDF's released code, too.

    Raises InputError for what is neither, one of a newer format, or one whose files are damaged.
    """
    path = place(Path(folder))
    if is_experiment(path):
        return load_experiment(path)
    return load_space(path) if read_config(path).get("kind") == SPACE else load_field(path)


def load_sdf(folder: str | os.PathLike[str]) -> SDF:
    """The field in a folder. Raises InputError as `load` does, and for a space."""
    found = load(folder)
    if isinstance(found, ShapeSpace):
        raise InputError(
            f"{folder} holds a space of shapes, and one field is asked for: give a field folder, as "
            f"`isofield infer {folder} INPUT -o DIR --field FIELDS` writes one of every shape."
        )
    return found


def load_run(folder: str | os.PathLike[str], checkpoint: str | None = None) -> ShapeSpace:
    """The space in a folder. checkpoint: the snapshot after so many steps (epochs of DeepSDF's released code), by
    default the latest. Raises InputError as `load` does, for a snapshot that is not there, and for a field."""
    if checkpoint not in (None, "latest"):
        if is_experiment(Path(folder)):
            return load_experiment(Path(folder), checkpoint)
        kept = Path(folder) / SNAPSHOTS
        there = sorted((one.name for one in kept.glob("*")), key=lambda name: (len(name), name))
        if checkpoint not in there:
            which = f"it has {', '.join(there)} and latest" if there else "it has none but latest"
            raise InputError(f"{folder} has no snapshot {checkpoint!r}: {which}.")
        folder = kept / checkpoint
    if not (Path(folder) / CONFIG).is_file() and (Path(folder) / STATE).is_file():
        raise InputError(f"{folder} holds a training that is not finished: go on with `isofield train --resume`.")
    found = load(folder)
    if isinstance(found, SDF):
        raise InputError(f"{folder} holds the field of one shape, and a space is asked for: give a run of `train`.")
    return found
