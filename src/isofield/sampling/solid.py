"""Signed distance of what people bring: solid parts by the winding number, sheets as walls of some thickness."""

from __future__ import annotations

from collections.abc import Callable

import igl
import numpy as np

from isofield.sampling.morton import in_order
from isofield.shapes.solids import Solids
from isofield.types import Distance

Inside = Callable[[np.ndarray], np.ndarray]
"""Points (n, 3) to (n,) bool."""
ACCURACY = 2.0
"""Of the fast winding number: clusters count as one beyond so many of their radii."""


def signed_distance(solids: Solids, thickness: float) -> Distance:
    """The signed distance of the union of solid parts and sheets; (n, 3) to (n,), float64.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   s < 0 where the winding number exceeds 1/2

    d: exact distances to the triangles (Sawhney et al.; an axis-aligned box tree of libigl's). The generalized winding
    number (Jacobson et al. 2013, by Barill et al. 2018) is exact on closed parts and closes small holes; overlapping
    parts count as their union, their inner walls as surfaces. thickness: of the walls that sheets become, in the units
    of the vertices. Raises ValueError where there is neither a solid part nor a sheet of some thickness.
    """
    sheets = len(solids.sheet) > 0 and thickness > 0
    if not len(solids.solid) and not sheets:
        raise ValueError("nothing encloses a volume")
    solid = distance_to(solids.vertices, solids.solid) if len(solids.solid) else None
    inside = inside_of(solids.vertices, solids.solid) if len(solids.solid) else None
    wall = distance_to(solids.vertices, solids.sheet) if sheets else None

    def distance(x: np.ndarray) -> np.ndarray:
        def ask(x: np.ndarray) -> np.ndarray:
            value = np.full(len(x), np.inf)
            if solid is not None and inside is not None:
                away = solid(x)
                value = np.where(_sided(x, away, inside), -away, away)
            return value if wall is None else np.minimum(value, wall(x) - thickness / 2)

        return in_order(ask, np.ascontiguousarray(x, np.float64))

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
    tree = igl.FastWindingNumberBVH()
    tree.init(vertices, faces, 2)
    return lambda x: np.asarray(tree.winding_number(x, ACCURACY)).reshape(-1) > 0.5
