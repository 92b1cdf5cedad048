"""The agreement of a mesh with the points that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.points import subsample
from isofield.solids.triangles import distance_to

SAMPLES = 100_000
"""At most this number of input points, and half as many points of the mesh, are compared."""
UNSEEN = 4.0
"""A point of the mesh is unobserved where no input point lies within this many spacings; a uniform scan has none."""


@dataclass(frozen=True)
class FitReport:
    """Figures of a fit, lengths in the input's units.

    median, p95: distance of the input's points from the mesh. unseen: fraction of the mesh's area that is unobserved.
    volume: enclosed (cubic units).
    """

    median: float
    p95: float
    unseen: float
    volume: float


def report(mesh: trimesh.Trimesh, points: np.ndarray, spacing: float) -> FitReport:
    """Compare a mesh with the points (n, 3) that it was made from; spacing: median distance of neighbouring points."""
    chosen, _ = subsample(points, spacing)
    if len(chosen) > SAMPLES:
        chosen = chosen[np.random.default_rng(0).choice(len(chosen), SAMPLES, replace=False)]
    distance = distance_to(mesh.vertices, mesh.faces)(chosen)
    samples, _ = trimesh.sample.sample_surface(mesh, SAMPLES // 2, seed=0)
    seen = observed(samples, points, spacing)
    return FitReport(
        float(np.median(distance)), float(np.percentile(distance, 95)), float(1 - seen.mean()), float(mesh.volume)
    )


def observed(samples: np.ndarray, points: np.ndarray, spacing: float) -> np.ndarray:
    """Which of samples (m, 3) of a surface have an input point within `UNSEEN` spacings: (m,) bool."""
    points, spacing = subsample(points, spacing)
    return nearest(cKDTree(points), np.asarray(samples))[0] <= UNSEEN * spacing
