"""Predictions beside the shapes that a space was trained with: novelty, and the retrieval baseline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh

from isofield import io
from isofield.api.load import load_run
from isofield.errors import InputError
from isofield.evaluate import Pair, retrieval, shapes_in
from isofield.evaluate.samples import draw, surface_points
from isofield.folder_format import CONFIG, resolve
from isofield.points import normalization
from isofield.threads import parallel_map
from isofield.types import Cloud, ProgressCallback

CELLS = 64
"""Of the meshes of training codes."""


def training_points(
    source: str | os.PathLike[str],
    tell: ProgressCallback = lambda stage, share: None,
    ids: Sequence[str] | None = None,
) -> tuple[list[str], list[np.ndarray]]:
    """Names and points (n, 3), each in its own normalised space, of the training shapes of a run, or of the shapes in a
    folder. ids: of a folder's shapes that count, all by default. Raises InputError where there are none."""
    run = resolve(Path(source))
    if (run / CONFIG).is_file():
        space = load_run(run)
        found = []
        for row, code in enumerate(space.codes):
            tell(f"meshes of {len(space.codes)} training codes", row / len(space.codes))
            found.append(_points(space.sdf(code).mesh(CELLS), space.ids[row], None))
        return list(space.ids), found
    if not run.is_dir():
        raise InputError(f"{source} is neither a run of `isofield train` nor a folder of shapes: give one of these.")
    named = shapes_in(run)
    names = list(named) if ids is None else [name for name in ids if name in named]
    if not names:
        raise InputError(f"{source} holds no training shape: give a run of `isofield train`, or a folder of meshes.")
    return names, parallel_map(lambda name: _points(io.read(named[name]), name, None), names)


def novelties(
    pairs: Sequence[Pair], names: Sequence[str], training: Sequence[np.ndarray], tell: ProgressCallback
) -> list[retrieval.Novelty]:
    """Of every pair, prediction and truth in the truth's normalised space beside the training shapes.

    Raises InputError where one cannot be read.
    """
    found = []
    for row, pair in enumerate(pairs):
        tell(f"{len(pairs)} shapes beside the training shapes", row / len(pairs))
        truth, pred = io.read(pair.truth), io.read(pair.pred)
        corners = surface_points(truth, str(pair.truth))
        own, true = _points(pred, str(pair.pred), corners), _points(truth, str(pair.truth), corners)
        found.append(retrieval.novelty(own, true, training, names))
    return found


def _points(shape: trimesh.Trimesh | Cloud, name: str, of: np.ndarray | None) -> np.ndarray:
    """Points (n, 3) of a shape in the normalised space of points `of`, of its own by default."""
    similarity = normalization(surface_points(shape, name) if of is None else of)
    return similarity.apply(draw(shape, retrieval.POINTS, np.random.default_rng(0), name).points)
