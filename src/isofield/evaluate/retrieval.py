"""Whether a space of shapes does more than hand out what it was trained with.

Every shape is given as points of its surface in its own normalised space (radius 1/1.03), and the distance of two is

    Chamfer(A, B) = mean_a min_b |a - b|^2  +  mean_b min_a |a - b|^2,   times 1000

(Park et al. 2019, section 6, there in the meshes' own units). *Retrieval* is the answer that no method could give
without the truth: the training shape with the least Chamfer distance to it. A space that does not beat it has learned
nothing; a new shape that is nearer to a training shape than these are to each other is a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from isofield.errors import InputError

POINTS = 10_000
"""Points of a shape."""
ROUGH, KEPT = 1000, 12
"""Points by which all training shapes are looked through, and how many of them are then compared with all points."""


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


def nearest(points: np.ndarray, training: Sequence[np.ndarray], but: int = -1) -> tuple[int, float]:
    """Row of the training shape (points (n, 3) in random order) that is nearest to points (m, 3), and its distance.

    but: the row of one that does not count. Raises ValueError where none is left.
    """
    rows = [row for row in range(len(training)) if row != but]
    if not rows:
        raise ValueError("no training shape to compare with")
    tree, few = cKDTree(points[:ROUGH]), points[:ROUGH]
    rough = []
    for row in rows:
        other = training[row][:ROUGH]
        rough.append((tree.query(other)[0] ** 2).mean() + (cKDTree(other).query(few)[0] ** 2).mean())
    kept = [rows[k] for k in np.argsort(rough, kind="stable")[:KEPT]]
    distances = [chamfer(training[row], points) for row in kept]
    return kept[int(np.argmin(distances))], min(distances)


def novelty(prediction: np.ndarray, truth: np.ndarray, training: Sequence[np.ndarray], names: Sequence[str]) -> Novelty:
    """A prediction (n, 3) of a truth (m, 3) beside the training shapes, all normalised, in random order."""
    best, retrieval = nearest(truth, training)
    close, distance = nearest(prediction, training)
    return Novelty(chamfer(prediction, truth), retrieval, names[best], distance, names[close])


def usual(training: Sequence[np.ndarray], most: int = 60) -> float:
    """Median distance from a training shape to the nearest other one, of at most so many, evenly chosen.

    Raises InputError for fewer than two.
    """
    if len(training) < 2:
        raise InputError("novelty needs at least two training shapes: give a run or a folder with more.")
    rows = np.linspace(0, len(training) - 1, min(most, len(training))).astype(int)
    return float(np.median([nearest(training[row], training, int(row))[1] for row in rows]))
