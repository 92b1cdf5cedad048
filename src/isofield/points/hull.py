"""The convex hull of points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import ConvexHull

from isofield.threads import parallel_map, ranges
from isofield.topology import areas

FACETS = 256
"""The largest facets stand for the hull: those over holes of the points are among them."""
Beyond = Callable[[np.ndarray], np.ndarray]
"""Positions (m, 3) to (m,): how far each lies beyond the hull, negative inside."""


def beyond_hull(points: np.ndarray) -> Beyond:
    """How far positions lie beyond the convex hull of points (n, 3), in their units: the largest distance from the
    planes of its facets (Barber et al. 1996), which is exact above the facets."""
    hull = ConvexHull(points, qhull_options="QJ")
    planes = hull.equations[np.argsort(-areas(points, hull.simplices), kind="stable")[:FACETS]]

    def beyond(x: np.ndarray) -> np.ndarray:
        parts = parallel_map(lambda r: (x[r] @ planes[:, :3].T + planes[:, 3]).max(1), ranges(len(x), 4096))
        return np.concatenate([np.zeros(0), *parts])

    return beyond
