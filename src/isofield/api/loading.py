"""Loading fields and spaces from folders, and the spaces that come with the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isofield.api.folder import ATTRIBUTE, read_folder
from isofield.api.published_sald import load_sald, parameters_in
from isofield.api.published_space import is_experiment, load_experiment
from isofield.api.sdf import SDF
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import PrepareConfig
from isofield.configs.methods import SPACES, changed, find_method
from isofield.errors import InputError
from isofield.folder_format import CONFIG, SPACE, missing, read_config, resolve
from isofield.points import REACH
from isofield.training import SNAPSHOTS, STATE
from isofield.types import Similarity, triple


def load(folder: str | os.PathLike[str]) -> SDF | ShapeSpace:
    """The field of `SDF.save` or `isofield fit`, or the space of `isofield train`, in a folder.

    "aircraft" and "aircraft-mlp" are spaces that come with the package. Experiments of DeepSDF's and SALD's released
    code are spaces, too. Raises InputError for any other folder, a newer format, and damaged files.
    """
    path = resolve(Path(folder))
    if is_experiment(path):
        return load_experiment(path)
    if parameters_in(path) is not None:
        return load_sald(path)
    return load_space(path) if read_config(path).get("kind") == SPACE else load_field(path)


def check_folder(folder: Path, remedy: str) -> None:
    """Raises InputError where a folder has neither a field nor a space; remedy: which one to give."""
    path = resolve(folder)
    if not ((path / CONFIG).is_file() or is_experiment(path) or parameters_in(path) is not None):
        raise missing(path, remedy)


def load_field(folder: Path) -> SDF:
    """The field that `SDF.save` wrote into folder. Raises InputError for a folder that is damaged or not a field's."""
    with read_folder(folder) as (config, module, more):
        similarity = Similarity(triple(config["similarity"]["center"]), float(config["similarity"]["scale"]))
        if not (np.isfinite(similarity.center).all() and 0 < similarity.scale < np.inf):
            raise ValueError("the similarity is not finite")
        colors = more.get("observed.colors")
        points = similarity.invert(more["observed.points"].double().numpy())
        attributes = {
            name.removeprefix(ATTRIBUTE): one.numpy() for name, one in more.items() if name.startswith(ATTRIBUTE)
        }
        if colors is not None and colors.shape != (len(points), 4):
            raise ValueError("the colours do not match the points")
        if not 0 < float(config.get("reach", REACH)) < np.inf:
            raise ValueError("the reach is not a length")
        if any(values.shape != (len(points),) for values in attributes.values()):
            raise ValueError("the attributes do not match the points")
        sdf = SDF(
            module, similarity, points, float(config["spacing"]), triple(config["box"]["lower"]),
            triple(config["box"]["upper"]), dict(config["provenance"]), bool(config["interrupted"]),
            None if colors is None else colors.numpy(), attributes,
            open=bool(config.get("open", False)), reach=float(config.get("reach", REACH)),
        )  # fmt: skip
        if config["kind"] != sdf.kind:
            raise ValueError(f"its kind is {config['kind']!r}, but it holds a {sdf.kind}")
    return sdf


def load_space(folder: Path) -> ShapeSpace:
    """The space that `ShapeSpace.save` wrote into folder. Raises InputError for a folder that is damaged."""
    with read_folder(folder) as (config, module, more):
        codes = more["codes"].float()
        shapes = [
            TrainingShape(id_, label, Similarity((x, y, z), scale)) for id_, label, x, y, z, scale in config["shapes"]
        ]
        if len(shapes) != len(codes) or not torch.isfinite(codes).all():
            raise ValueError("the codes do not match the shapes")
        settings = changed(find_method(config["method"], SPACES).settings(), config["settings"], config["method"])
        prepare = prepare_config(config["prepare"])
        method, provenance = str(config["method"]), dict(config["provenance"])
    return ShapeSpace(module, codes.numpy(), shapes, method, settings, prepare, provenance)


def prepare_config(settings: Mapping[str, Any]) -> PrepareConfig:
    """The settings of `prepare` out of JSON-plain data; unknown names are ignored."""
    names = {field.name for field in fields(PrepareConfig)}
    known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in names}
    return PrepareConfig(**known)


def load_sdf(folder: str | os.PathLike[str]) -> SDF:
    """The field in a folder. Raises InputError as `load` does, and for a space."""
    check_folder(Path(folder), "give the folder of a field, which `isofield fit --field` writes")
    found = load(folder)
    if isinstance(found, ShapeSpace):
        found.check_solid()
        raise InputError(
            f"{folder} holds a space of shapes, not one field: give a field folder; `isofield infer {folder} INPUT -o "
            "DIR --field FIELDS` writes one for each shape."
        )
    return found


def load_run(folder: str | os.PathLike[str], checkpoint: str | None = None) -> ShapeSpace:
    """The space in a folder. checkpoint: the snapshot after this many steps (epochs of a released code), by
    default the latest. Raises InputError as `load` does, for a missing snapshot, and for a field."""
    if checkpoint not in (None, "latest"):
        if is_experiment(Path(folder)):
            return load_experiment(Path(folder), checkpoint)
        if parameters_in(Path(folder)) is not None:
            return load_sald(Path(folder), checkpoint)
        kept = Path(folder) / SNAPSHOTS
        there = sorted((one.name for one in kept.glob("*")), key=lambda name: (len(name), name))
        if checkpoint not in there:
            which = f"it has {', '.join(there)} and latest" if there else "it has none but latest"
            raise InputError(f"{folder} has no snapshot {checkpoint!r}: {which}.")
        folder = kept / checkpoint
    if not (Path(folder) / CONFIG).is_file() and (Path(folder) / STATE).is_file():
        raise InputError(f"{folder} holds a training that is not finished: resume it with `isofield train --resume`.")
    check_folder(Path(folder), "give the folder that `isofield train` wrote")
    found = load(folder)
    if isinstance(found, SDF):
        raise InputError(f"{folder} holds the field of one shape, not a space: give a run of `isofield train`.")
    return found
