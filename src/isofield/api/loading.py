"""Loading fields and spaces from folders, and the spaces that come with the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isofield.api.folder import ATTRIBUTE, read_folder
from isofield.api.sdf import SDF
from isofield.errors import InputError
from isofield.folder_format import CONFIG, SPACE, STATE, missing, read_folder_config, resolve
from isofield.points import REACH
from isofield.types import Similarity, triple

if TYPE_CHECKING:
    from isofield.api.space import ShapeSpace

WRITTEN = "give the folder that `isofield train` wrote"
"""The remedy where there is no run."""


def load(folder: str | os.PathLike[str]) -> Any:
    """The field (`SDF`) of `SDF.save` or `isofield fit`, or the space (`ShapeSpace`) of `isofield train`, in a folder.

    "aircraft" and "aircraft-mlp" are spaces that come with the package. Experiments of DeepSDF's and SALD's released
    code are spaces, too. Raises InputError for any other folder, a newer format, and damaged files.
    """
    path = resolve(Path(folder))
    if (path / CONFIG).is_file() and read_folder_config(path).get("kind") != SPACE:
        return load_field(path)  # a grid or a mesh needs no torch
    released = _released(path)
    if released is not None:
        return released
    from isofield.api.space import load_space

    return load_space(path)


def _released(folder: Path, checkpoint: str | None = None) -> ShapeSpace | None:
    """The space of a folder that DeepSDF's or SALD's released code wrote, or None for another folder."""
    from isofield.api.published_space import is_experiment, load_experiment, load_sald, parameters_in

    if is_experiment(folder):
        return load_experiment(folder, checkpoint)
    return load_sald(folder, checkpoint) if parameters_in(folder) is not None else None


def load_field(folder: Path) -> SDF:
    """The field that `SDF.save` wrote into folder. Raises InputError for a folder that is damaged or not a field's."""
    with read_folder(folder) as (config, field, more):
        similarity = Similarity(triple(config["similarity"]["center"]), float(config["similarity"]["scale"]))
        if not (np.isfinite(similarity.center).all() and 0 < similarity.scale < np.inf):
            raise ValueError("the similarity is not finite")
        colors = more.get("observed.colors")
        points = similarity.invert(more["observed.points"].astype(np.float64))
        attributes = {name.removeprefix(ATTRIBUTE): one for name, one in more.items() if name.startswith(ATTRIBUTE)}
        if colors is not None and colors.shape != (len(points), 4):
            raise ValueError("the colours do not match the points")
        if not 0 < float(config.get("reach", REACH)) < np.inf:
            raise ValueError("the reach is not a length")
        if any(values.shape != (len(points),) for values in attributes.values()):
            raise ValueError("the attributes do not match the points")
        sdf = SDF(
            field, similarity, points, float(config["spacing"]), triple(config["box"]["lower"]),
            triple(config["box"]["upper"]), dict(config["provenance"]), bool(config["interrupted"]),
            colors, attributes,
            open=bool(config.get("open", False)), reach=float(config.get("reach", REACH)),
        )  # fmt: skip
        if config["kind"] != sdf.kind:
            raise ValueError(f"its kind is {config['kind']!r}, but it holds a {sdf.kind}")
    return sdf


def check_folder(folder: Path, remedy: str) -> None:
    """Raises InputError where a folder has neither a field nor a space; remedy: which one to give."""
    path = resolve(folder)
    if (path / CONFIG).is_file():
        return
    from isofield.api.published_space import is_experiment, parameters_in

    if not (is_experiment(path) or parameters_in(path) is not None):
        raise missing(path, remedy)


def load_sdf(folder: str | os.PathLike[str]) -> SDF:
    """The field in a folder. Raises InputError as `load` does, and for a space."""
    check_folder(Path(folder), "give the folder of a field, which `isofield fit --field` writes")
    found: SDF | ShapeSpace = load(folder)
    if not isinstance(found, SDF):
        found.check_solid()
        raise InputError(
            f"{folder} holds a space of shapes, not one field: give a field folder; `isofield infer {folder} INPUT -o "
            "DIR --field FIELDS` writes one for each shape."
        )
    return found


def load_run(folder: str | os.PathLike[str], checkpoint: str | None = None) -> ShapeSpace:
    """The space in a folder. checkpoint: the snapshot after this many steps (epochs of a released code), by
    default the latest. Raises InputError as `load` does, for a missing snapshot, and for a field."""
    from isofield.training import SNAPSHOTS

    if checkpoint not in (None, "latest"):
        released = _released(Path(folder), checkpoint)
        if released is not None:
            return released
        kept = Path(folder) / SNAPSHOTS
        there = sorted((one.name for one in kept.glob("*")), key=lambda name: (len(name), name))
        if checkpoint not in there:
            if not resolve(Path(folder)).is_dir():
                raise missing(Path(folder), WRITTEN)
            which = f"it has {', '.join(there)} and latest" if there else "it has none but latest"
            raise InputError(f"{folder} has no snapshot {checkpoint!r}: {which}.")
        folder = kept / checkpoint
    if not (Path(folder) / CONFIG).is_file() and (Path(folder) / STATE).is_file():
        raise InputError(f"{folder} holds a training that is not finished: resume it with `isofield train --resume`.")
    check_folder(Path(folder), WRITTEN)
    found: SDF | ShapeSpace = load(folder)
    if isinstance(found, SDF):
        raise InputError(f"{folder} holds the field of one shape, not a space: give a run of `isofield train`.")
    return found
