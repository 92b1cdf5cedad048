"""The convex hull of points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import ConvexHull

from isofield.threads import parallel_map, ranges
from isofield.topology import areas

FACETS = 256
"""The largest facets stand for the hull: those over holes of the points are among them."""
MANY = 20_000
"""Points that give the facets, at most: a hull whose points all lie on it takes seconds."""
ROWS = 256
"""Positions that one thread holds against all facets at a time: they stay in its cache."""
Beyond = Callable[[np.ndarray], np.ndarray]
"""Positions (m, 3) to (m,): how far each lies beyond the hull, negative inside."""


def beyond_hull(points: np.ndarray) -> Beyond:
    """How far positions lie beyond the convex hull of points (n, 3), in their units: the largest distance from the
    planes of its facets (Barber et al. 1996), which is exact above the facets.

    The facets may be those of some of the points: every plane is then moved outward to touch all of them.
    """
    some = points[np.random.default_rng(0).permutation(len(points))[:MANY]]
    hull = ConvexHull(some, qhull_options="QJ")
    normals = hull.equations[np.argsort(-areas(some, hull.simplices), kind="stable")[:FACETS], :3]

    support = np.max(parallel_map(lambda rows: (points[rows] @ normals.T).max(0), ranges(len(points), ROWS)), axis=0)

    def beyond(x: np.ndarray) -> np.ndarray:
        parts = parallel_map(lambda rows: (x[rows] @ normals.T - support).max(1), ranges(len(x), ROWS))
        return np.concatenate([np.zeros(0), *parts])

    return beyond
