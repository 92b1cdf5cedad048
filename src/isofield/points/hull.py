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

    def along(x: np.ndarray) -> list[np.ndarray]:
        return parallel_map(lambda rows: x[rows] @ normals.T, ranges(len(x), 4096))

    support = np.max([part.max(0) for part in along(points)], axis=0)

    def beyond(x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros(0), *((part - support).max(1) for part in along(x))])

    return beyond
