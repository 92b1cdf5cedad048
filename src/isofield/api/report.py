"""How well a mesh agrees with the points that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.points.local_pca import subsample
from isofield.solids.triangles import distance_to

SAMPLES = 100_000
"""Points of the input, and of the mesh, that are looked at."""
UNSEEN = 4.0
"""A place is unseen where no point lies within this many spacings; a uniform scan leaves none."""


@dataclass(frozen=True)
class FitReport:
    """Lengths in the input's units. median, p95: distance of the input's points from the mesh. unseen: share of the
    mesh's area that no point has seen. volume: enclosed (cubic units)."""

    median: float
    p95: float
    unseen: float
    volume: float


def report(mesh: trimesh.Trimesh, points: np.ndarray, spacing: float) -> FitReport:
    """Compare a mesh with the points (n, 3) that it was made from; spacing: median distance of neighbouring points."""
    points, spacing = subsample(points, spacing)
    generator = np.random.default_rng(0)
    chosen = points if len(points) <= SAMPLES else points[generator.choice(len(points), SAMPLES, replace=False)]
    distance = distance_to(mesh.vertices, mesh.faces)(chosen)
    places, _ = trimesh.sample.sample_surface(mesh, SAMPLES // 2, seed=0)
    seen = nearest(cKDTree(points), np.asarray(places))[0] <= UNSEEN * spacing
    return FitReport(
        float(np.median(distance)), float(np.percentile(distance, 95)), float(1 - seen.mean()), float(mesh.volume)
    )
