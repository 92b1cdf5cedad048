"""Predictions beside the shapes that a shape space was trained with: retrieval and novelty.

Every shape is given as points of its surface in its own normalised space (radius 1/1.03), and the distance of two is

    Chamfer(A, B) = mean_a min_b |a - b|^2  +  mean_b min_a |a - b|^2,   times 1000

(Park et al. 2019, section 6, there in the meshes' own units). *Retrieval* is a baseline that uses the truth: the
training shape with the smallest Chamfer distance to it. A space that does not beat it has not learned to generalise; a
generated shape that is nearer to a training shape than training shapes are to each other is a copy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from isofield import io
from isofield.errors import InputError
from isofield.evaluate.folders import Pair, shapes_in
from isofield.evaluate.surface_samples import sample_surface, used_points
from isofield.rows import evenly
from isofield.threads import parallel_map
from isofield.types import Cloud, ProgressCallback, normalization

POINTS = 10_000
"""Points per shape."""
PRESELECT_POINTS, PRESELECTED = 1000, 12
"""Points by which the nearest training shapes are preselected, and the number of those compared with all points."""
MOST = 60
"""Training shapes whose distances to the others are measured, at most."""


@dataclass(frozen=True)
class Novelty:
    """A prediction beside the training shapes. score: its Chamfer distance to the truth; retrieval: that of the best
    training shape, `best`; to_training: its distance to the training shape that is nearest to it, `nearest`."""

    score: float
    retrieval: float
    best: str
    to_training: float
    nearest: str


def chamfer(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of the two mean squared distances between points (n, 3) and (m, 3), times 1000."""
    return 1000 * float((cKDTree(b).query(a)[0] ** 2).mean() + (cKDTree(a).query(b)[0] ** 2).mean())


def nearest(points: np.ndarray, training: Mapping[str, np.ndarray], leave_out: str = "") -> tuple[str, float]:
    """The training shape (points (n, 3) in random order, by name) that is nearest to points (m, 3), and its distance.

    leave_out: the name of one to ignore. Raises ValueError where none is left.
    """
    names = [name for name in training if name != leave_out]
    if not names:
        raise ValueError("no training shape to compare with")
    few = points[:PRESELECT_POINTS]
    tree = cKDTree(few)
    rough = []
    for name in names:
        other = training[name][:PRESELECT_POINTS]
        rough.append((tree.query(other)[0] ** 2).mean() + (cKDTree(other).query(few)[0] ** 2).mean())
    kept = [names[k] for k in np.argsort(rough, kind="stable")[:PRESELECTED]]
    distances = [chamfer(training[name], points) for name in kept]
    return kept[int(np.argmin(distances))], min(distances)


def novelty(prediction: np.ndarray, truth: np.ndarray, training: Mapping[str, np.ndarray]) -> Novelty:
    """How far a prediction (n, 3) is from its truth (m, 3), and both from the nearest training shape. All points are
    normalised, and in random order."""
    return Novelty(chamfer(prediction, truth), *nearest(truth, training)[::-1], *nearest(prediction, training)[::-1])


def novelties(pairs: Sequence[Pair], training: Mapping[str, np.ndarray], progress: ProgressCallback) -> list[Novelty]:
    """Every pair, in the truth's normalised space, beside the training shapes.

    Raises InputError where a file cannot be read.
    """
    found = []
    for row, pair in enumerate(pairs):
        progress(f"{len(pairs)} shapes beside the training shapes", row / len(pairs))
        truth, pred = io.read(pair.truth), io.read(pair.pred)
        frame = used_points(truth, str(pair.truth))
        predicted, true = (
            normalised_points(shape, str(path), frame) for shape, path in ((pred, pair.pred), (truth, pair.truth))
        )
        found.append(novelty(predicted, true, training))
    return found


def median_neighbour_distance(training: Mapping[str, np.ndarray]) -> float:
    """Median distance from a training shape to the nearest other one, over at most `MOST` evenly chosen shapes.

    Raises InputError for fewer than two.
    """
    if len(training) < 2:
        raise InputError("novelty needs at least two training shapes: give a run or a folder with more.")
    rows = evenly(len(training), MOST)
    names = [[*training][row] for row in rows]
    return float(np.median([nearest(training[name], training, name)[1] for name in names]))


def training_points(folder: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Points (n, 3) of the shapes in a folder, by name, each in its own normalised space. Raises InputError where there
    are none."""
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is neither a run of `isofield train` nor a folder of shapes: give one of these.")
    shapes = shapes_in(Path(folder))
    if not shapes:
        raise InputError(f"{folder} holds no training shape: give a run of `isofield train`, or a folder of meshes.")
    found = parallel_map(lambda name: normalised_points(io.read(shapes[name]), name), shapes)
    return dict(zip(shapes, found, strict=True))


def normalised_points(shape: trimesh.Trimesh | Cloud, name: str, frame: np.ndarray | None = None) -> np.ndarray:
    """Points (n, 3) of a shape in the normalised space of the points `frame` (m, 3), by default of its own."""
    similarity = normalization(used_points(shape, name) if frame is None else frame)
    return similarity.apply(sample_surface(shape, POINTS, np.random.default_rng(0), name).points)
