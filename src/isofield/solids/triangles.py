"""Exact queries against triangles: closest points, distances, and what is inside."""

from __future__ import annotations

from collections.abc import Callable

import igl
import numpy as np

from isofield.kdtree import morton_order
from isofield.threads import ranges
from isofield.types import Distance

Closest = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Points x (n, 3) to their distances (n,), the closest faces (n,) and the closest points on them (n, 3)."""
Nearest = Callable[[np.ndarray], np.ndarray]
"""Points x (n, 3) to the closest points of a surface (n, 3)."""
Winding = Callable[[np.ndarray], np.ndarray]
"""Points x (n, 3) to their winding numbers (n,)."""
Inside = Callable[[np.ndarray], np.ndarray]
"""Points x (n, 3) to (n,) bool."""

ACCURACY = 2.0
"""The fast winding number approximates a cluster of triangles beyond this many of its radii."""
RAYS = np.random.default_rng(0).standard_normal((5, 3))
"""Directions of the rays whose crossings are counted, in general position."""
CHUNK = 1 << 15
"""Rays per call."""


def closest_on(vertices: np.ndarray, faces: np.ndarray) -> Closest:
    """The closest points on faces (m, 3) over vertices (n, 3), exact in float64 (libigl's axis-aligned box tree)."""
    tree = igl.AABB()
    tree.init(vertices, faces)

    def closest(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not len(x):
            return np.empty(0), np.empty(0, np.int64), np.empty((0, 3))
        order = morton_order(x)
        square, face, point = tree.squared_distance(vertices, faces, np.take(x, order, axis=0).astype(np.float64))
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return np.sqrt(np.asarray(square).reshape(-1)[back]), np.asarray(face).reshape(-1)[back], point[back]

    return closest


def nearest_on(triangles: np.ndarray) -> Nearest:
    """The closest points on triangles (m, 3, 3), given by their corners."""
    closest = closest_on(*indexed(triangles))
    return lambda x: closest(x)[2]


def distance_to(vertices: np.ndarray, faces: np.ndarray) -> Distance:
    """The unsigned distance to triangles in any unit: squares of micrometres or light-years would lose digits."""
    vertices, faces = np.asarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64)
    corners = vertices[faces]
    low, high = corners.min((0, 1)), corners.max((0, 1))
    center, size = (low + high) / 2, float((high - low).max()) or 1.0
    closest = closest_on((vertices - center) / size, faces)
    return lambda x: closest((x - center) / size)[0] * size


def winding_of(vertices: np.ndarray, faces: np.ndarray) -> Winding:
    """The generalized winding number of triangles (Jacobson et al. 2013, by Barill et al. 2018)."""
    tree = igl.FastWindingNumberBVH()
    tree.init(vertices, faces, 2)
    return lambda x: np.asarray(tree.winding_number(np.ascontiguousarray(x, np.float64), ACCURACY)).reshape(-1)


def inside_of(vertices: np.ndarray, faces: np.ndarray, *, outward: bool = True) -> Inside:
    """Whether points are inside triangles: their winding number exceeds 1/2, so that overlapping bodies are a union.

    outward: the triangles face outward; otherwise the absolute value counts, whichever way they are wound.
    """
    winding = winding_of(vertices, faces)
    return lambda x: (winding(x) if outward else np.abs(winding(x))) > 0.5


def parity_of(vertices: np.ndarray, faces: np.ndarray) -> Inside:
    """Whether rays from points cross triangles an odd number of times, by the majority of five rays.

    The winding of the triangles does not matter. Correct for one closed body; overlapping bodies cancel each other.
    """
    tree = igl.AABB()
    tree.init(vertices, faces)

    def odd(x: np.ndarray, ray: np.ndarray) -> np.ndarray:
        crossings = [
            tree.intersect_ray(vertices, faces, x[part], np.broadcast_to(ray, x[part].shape).copy())
            for part in ranges(len(x), CHUNK)
        ]
        return np.array([len(hits) % 2 for part in crossings for hits in part], bool)

    def inside(x: np.ndarray) -> np.ndarray:
        votes = np.sum([odd(x, ray) for ray in RAYS[:3]], axis=0)
        unsure = np.flatnonzero((votes == 1) | (votes == 2))
        for ray in RAYS[3:]:
            votes[unsure] += odd(np.take(x, unsure, axis=0), ray)
        return votes >= 3

    return inside


def indexed(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (m, 3, 3) as vertices (3 m, 3) and faces (m, 3)."""
    vertices = np.ascontiguousarray(triangles, np.float64).reshape(-1, 3)
    return vertices, np.arange(len(vertices), dtype=np.int64).reshape(-1, 3)
