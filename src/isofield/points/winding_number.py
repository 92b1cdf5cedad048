"""The generalized winding number of oriented points (Barill et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isofield.morton import in_order
from isofield.points.local_pca import tangents

LIFT, BEYOND = 1.0, 3.0
"""Distance of the two sides of a point from it, in units of the root of its area, and at least of the noise."""


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
