"""What points enclose: their generalized winding number (Barill et al. 2018), the share of the closing surface that was
never measured, and their convex hull."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import ConvexHull

from isofield import topology
from isofield.kdtree import KDTree, in_order, nearest
from isofield.points.local_pca import tangents
from isofield.threads import parallel_map, ranges

LIFT, BEYOND = 1.0, 3.0
"""Distance of the two sides of a point from it, in units of the root of its area, and at least of the noise."""
CELLS, COARSE = 64, 32
"""Cells along the longest side of the box, fewer where large openings alone count."""
SPACINGS, LEAST_CELLS = 2.0, 1.5
"""The closing surface is far from the points where it is this many local spacings and this many cells away."""
FACETS = 256
"""The hull is represented by this many of its largest facets, which include those over holes of the points."""
MANY = 20_000
"""Points that give the facets, at most: a hull whose points all lie on it takes seconds."""
ROWS = 256
"""Positions that a thread compares with all facets at a time, few enough to stay in its cache."""
Beyond = Callable[[np.ndarray], np.ndarray]
"""Positions (m, 3) to (m,): how far each lies beyond the hull, negative inside."""


def winding_number(points: np.ndarray, normals: np.ndarray, areas: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The winding number of oriented points as a function of queries (m, 3): near 1 inside, near 0 outside.

    points, normals: (n, 3). areas: (n,). Each point is replaced by an equilateral triangle of its area.
    """
    import igl

    across, along = tangents(normals)
    reach = np.sqrt(areas * 4 / (3 * np.sqrt(3)))[:, None]  # circumradius
    angles = np.arange(3) * 2 * np.pi / 3
    corners = np.stack([points + reach * (np.cos(a) * across + np.sin(a) * along) for a in angles], 1)
    tree = igl.FastWindingNumberBVH()
    tree.init(corners.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int64).reshape(-1, 3))
    return lambda queries: in_order(lambda x: np.asarray(tree.winding_number(x)), np.asarray(queries, np.float64))


def enclosure(
    points: np.ndarray, normals: np.ndarray, areas: np.ndarray, at: np.ndarray, noise: float = 0.0
) -> np.ndarray:
    """(k,) the mean of the winding number on both sides of points[at], at (k,). noise: standard deviation of the points
    off the surface, which both sides must leave behind.

    1/2 on a closed surface with outward normals, 0 on a plane, -1/2 on the walls of a room whose normals look inside.
    """
    step = np.maximum(LIFT * np.sqrt(areas[at]), BEYOND * noise)[:, None] * normals[at]
    winding = winding_number(points, normals, areas)
    both = winding(np.concatenate([points[at] + step, points[at] - step]))
    return both.reshape(2, -1).mean(0)


def unseen_share(
    points: np.ndarray, normals: np.ndarray, areas: np.ndarray, spacing: np.ndarray, cells: int = CELLS
) -> float:
    """The share, from 0 to 1, of the area of the closed surface of oriented points that is far from all of them.

    points: (n, 3). normals: (n, 3) outward. areas, spacing: (n,) of each point. cells: along the longest side of the
    box. The closed surface is where the winding number is 1/2. Its area is taken as the number of edges of a grid that
    cross it, which is exact in the mean over all directions (Cauchy and Crofton); a part along the axes counts two
    thirds. 0 where nothing is enclosed.
    """
    low, high = points.min(0), points.max(0)
    cell = float((high - low).max()) / cells
    count = np.ceil((high - low) / cell).astype(np.int64) + 3
    first = low - cell
    nodes = first + cell * np.stack(np.meshgrid(*(np.arange(k) for k in count), indexing="ij"), -1)
    inside = (winding_number(points, normals, areas)(nodes.reshape(-1, 3)) > 0.5).reshape(count)
    middles = []
    for axis in range(3):
        crossing = np.argwhere(np.diff(inside, axis=axis))
        middles.append(first + cell * (crossing + 0.5 * np.eye(3)[axis]))
    middle = np.concatenate(middles)
    if not len(middle):
        return 0.0
    distance, closest = nearest(KDTree(points), middle)
    return float((distance > np.maximum(SPACINGS * spacing[closest], LEAST_CELLS * cell)).mean())


def beyond_hull(points: np.ndarray) -> Beyond:
    """How far positions lie beyond the convex hull of points (n, 3), in their units: the largest distance from the
    planes of its facets (Barber et al. 1996), which is exact above the facets.

    The facets may be those of some of the points: every plane is then moved outward to touch all of them.
    """
    some = points[np.random.default_rng(0).permutation(len(points))[:MANY]]
    hull = ConvexHull(some, qhull_options="QJ")
    normals = hull.equations[np.argsort(-topology.areas(some, hull.simplices), kind="stable")[:FACETS], :3]

    support = np.max(parallel_map(lambda rows: (points[rows] @ normals.T).max(0), ranges(len(points), ROWS)), axis=0)

    def beyond(x: np.ndarray) -> np.ndarray:
        parts = parallel_map(lambda rows: (x[rows] @ normals.T - support).max(1), ranges(len(x), ROWS))
        return np.concatenate([np.zeros(0), *parts])

    return beyond
