"""Exact supervision from triangles: the nearest point on them, and what is inside."""

from __future__ import annotations

from collections.abc import Callable

import igl
import numpy as np

Nearest = Callable[[np.ndarray], np.ndarray]
"""Points x (n, 3) to the surface's points (n, 3) nearest to them."""


def nearest_on(triangles: np.ndarray) -> Nearest:
    """The nearest points on triangles (m, 3, 3), exact in float64 (an axis-aligned box tree over them)."""
    vertices, faces = _indexed(triangles)
    tree = igl.AABB()
    tree.init(vertices, faces)
    return lambda x: tree.squared_distance(vertices, faces, np.ascontiguousarray(x, np.float64))[2]


def inside_of(triangles: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Whether points x (n, 3) are inside of closed triangles (m, 3, 3): (n,) bool.

    The generalized winding number (Jacobson et al. 2013, by Barill et al. 2018) beyond one half, whichever way the
    triangles are wound: bodies that overlap count as their union.
    """
    vertices, faces = _indexed(triangles)
    tree = igl.FastWindingNumberBVH()
    tree.init(vertices, faces, 2)
    return lambda x: np.abs(tree.winding_number(np.ascontiguousarray(x, np.float64), 2.0)) > 0.5


def _indexed(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, 3, 3) to vertices (3 m, 3) and faces (m, 3)."""
    vertices = np.ascontiguousarray(triangles, np.float64).reshape(-1, 3)
    return vertices, np.arange(len(vertices), dtype=np.int64).reshape(-1, 3)
