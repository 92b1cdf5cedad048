"""Signed distance of what people bring: solid parts by the winding number, sheets as walls of some thickness."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import igl
import numpy as np

from isofield.solids.morton import in_order
from isofield.solids.pseudonormal import Winding, facing
from isofield.solids.solid_parts import Solids
from isofield.threads import ranges
from isofield.types import Distance

Inside = Callable[[np.ndarray], np.ndarray]
"""Points (n, 3) to (n,) bool."""
RAYS = np.random.default_rng(0).standard_normal((5, 3))
"""Directions, none of them special, in which parity is asked."""
CHUNK = 1 << 15
"""Rays whose hits are listed together."""
ACCURACY = 2.0
"""Of the fast winding number: clusters count as one beyond so many of their radii."""


def signed_distance(solids: Solids, thickness: float, parity: bool = False) -> Distance:
    """The signed distance of the union of solid parts and sheets; (n, 3) to (n,), float64.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   s < 0 where the winding number exceeds 1/2

    d: exact distances to the triangles (Sawhney et al.; an axis-aligned box tree of libigl's). The generalized winding
    number (Jacobson et al. 2013, by Barill et al. 2018) is exact on closed parts and closes small holes; overlapping
    parts count as their union, their inner walls as surfaces. thickness: of the walls that sheets become, in the units
    of the vertices. parity: the inside of solid parts is where `parity_of` says so. Raises ValueError where there is
    neither a solid part nor a sheet of some thickness.
    """
    sheets = len(solids.sheet) > 0 and thickness > 0
    if not len(solids.solid) and not sheets:
        raise ValueError("nothing encloses a volume")
    solid = _solid(solids, parity) if len(solids.solid) else None
    wall = distance_to(solids.vertices, solids.sheet) if sheets else None

    def distance(x: np.ndarray) -> np.ndarray:
        def ask(x: np.ndarray) -> np.ndarray:
            value = np.full(len(x), np.inf) if solid is None else solid(x)
            return value if wall is None else np.minimum(value, wall(x) - thickness / 2)

        return in_order(ask, np.ascontiguousarray(x, np.float64))

    return distance


def _solid(solids: Solids, parity: bool) -> Distance:
    """The signed distance to the solid parts, of points in Morton order. Signs come from the nearest place of the
    surface where it tells them, for which its faces are looked at once they are fewer than the points."""
    vertices, faces = solids.vertices, solids.solid
    tree = igl.AABB()
    tree.init(vertices, faces)
    winding = cache(lambda: winding_of(vertices, faces))
    known = cache(lambda: None if parity else facing(vertices, faces, solids.part))
    inside = parity_of(vertices, faces) if parity else lambda x: winding()(x) > 0.5

    def distance(x: np.ndarray) -> np.ndarray:
        square, face, nearest = tree.squared_distance(vertices, faces, x)
        away = np.sqrt(square)
        told = known() if len(faces) <= len(x) else None
        if told is None:
            return np.where(_sided(x, away, inside), -away, away)
        side = told.inside(x, face, nearest, lambda x: winding()(x))
        left = np.flatnonzero(side < 0)
        if len(left):
            side[left] = _sided(np.take(x, left, axis=0), away[left], inside)
        return np.where(side > 0, -away, away)

    return distance


def _sided(x: np.ndarray, away: np.ndarray, inside: Inside) -> np.ndarray:
    """Which of points x (n, 3), `away` (n,) from the surface, are inside. Two that are nearer to each other than one of
    them is to the surface are on one side of it: of a run of such neighbours only the farthest is asked."""
    apart = np.linalg.norm(np.diff(x, axis=0), axis=1) >= np.maximum(away[1:], away[:-1])
    run = np.concatenate([[0], np.cumsum(apart)])  # (n,)
    order = np.lexsort((-away, run))
    asked = order[np.concatenate([[True], np.diff(run[order]) > 0])]
    return inside(np.ascontiguousarray(x[asked]))[run]


def distance_to(vertices: np.ndarray, faces: np.ndarray) -> Distance:
    """The unsigned distance (n,) of points (n, 3) to triangles."""
    tree = igl.AABB()
    tree.init(vertices, faces)
    return lambda x: np.sqrt(np.asarray(tree.squared_distance(vertices, faces, x)[0]).reshape(-1))


def inside_of(vertices: np.ndarray, faces: np.ndarray) -> Inside:
    """Whether points (n, 3) are inside of outward triangles: (n,) bool."""
    winding = winding_of(vertices, faces)
    return lambda x: winding(x) > 0.5


def winding_of(vertices: np.ndarray, faces: np.ndarray) -> Winding:
    """The winding number (n,) of triangles around points (n, 3)."""
    tree = igl.FastWindingNumberBVH()
    tree.init(vertices, faces, 2)
    return lambda x: np.asarray(tree.winding_number(x, ACCURACY)).reshape(-1)


def parity_of(vertices: np.ndarray, faces: np.ndarray) -> Inside:
    """Whether rays from points (n, 3) cross triangles an odd number of times, however these are wound: (n,) bool. Most
    of five rays decide. Right for a single closed body alone; bodies that overlap cancel each other."""
    tree = igl.AABB()
    tree.init(vertices, faces)

    def odd(x: np.ndarray, ray: np.ndarray) -> np.ndarray:
        found = [
            tree.intersect_ray(vertices, faces, x[part], np.broadcast_to(ray, x[part].shape).copy())
            for part in ranges(len(x), CHUNK)
        ]
        return np.array([len(hits) % 2 for part in found for hits in part], bool)

    def inside(x: np.ndarray) -> np.ndarray:
        votes = np.sum([odd(x, ray) for ray in RAYS[:3]], axis=0)
        unsure = np.flatnonzero((votes == 1) | (votes == 2))
        for ray in RAYS[3:]:
            votes[unsure] += odd(np.take(x, unsure, axis=0), ray)
        return votes >= 3

    return inside
