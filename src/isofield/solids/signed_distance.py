"""Signed distance to solid parts and to thickened surfaces."""

from __future__ import annotations

from functools import cache

import numpy as np

from isofield.solids.morton import in_order
from isofield.solids.pseudonormal import pseudonormals
from isofield.solids.solid_parts import Solids
from isofield.solids.triangles import Inside, closest_on, parity_of, winding_of
from isofield.types import Distance


def signed_distance(solids: Solids, thickness: float, parity: bool = False) -> Distance:
    """The signed distance of the union of solid parts and sheets; (n, 3) to (n,), float64.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   s < 0 where the winding number exceeds 1/2

    d: exact distances to the triangles. The winding number is exact on closed parts and closes small holes;
    overlapping parts are a union, whose inner walls count as surfaces. thickness: of the slabs that sheets become, in
    the units of the vertices. parity: `parity_of` decides what is inside, instead of the winding number. Raises
    ValueError where there is neither a solid part nor a sheet with a thickness.
    """
    sheets = len(solids.sheet) > 0 and thickness > 0
    if not len(solids.solid) and not sheets:
        raise ValueError("nothing encloses a volume")
    solid = _solid(solids, parity) if len(solids.solid) else None
    sheet = closest_on(solids.vertices, solids.sheet) if sheets else None

    def ordered(x: np.ndarray) -> np.ndarray:
        value = np.full(len(x), np.inf) if solid is None else solid(x)
        return value if sheet is None else np.minimum(value, sheet(x)[0] - thickness / 2)

    return lambda x: in_order(ordered, np.ascontiguousarray(x, np.float64))


def _solid(solids: Solids, parity: bool) -> Distance:
    """The signed distance to the solid parts, of points in Morton order.

    The pseudonormals give most signs, once there are more points than faces: preparing them costs one pass over the
    faces.
    """
    vertices, faces = solids.vertices, solids.solid
    closest = closest_on(vertices, faces)
    winding = cache(lambda: winding_of(vertices, faces))
    normals = cache(lambda: None if parity else pseudonormals(vertices, faces, solids.part))
    inside = parity_of(vertices, faces) if parity else lambda x: winding()(x) > 0.5

    def distance(x: np.ndarray) -> np.ndarray:
        away, face, point = closest(x)
        known = normals() if len(faces) <= len(x) else None
        if known is None:
            return np.where(_inside(x, away, inside), -away, away)
        side = known.inside(x, face, point, lambda x: winding()(x))
        left = np.flatnonzero(side < 0)
        if len(left):
            side[left] = _inside(np.take(x, left, axis=0), away[left], inside)
        return np.where(side > 0, -away, away)

    return distance


def _inside(x: np.ndarray, away: np.ndarray, inside: Inside) -> np.ndarray:
    """(n,) bool: which of points x (n, 3), `away` (n,) from the surface, are inside.

    Two points that are closer to each other than one of them is to the surface are on the same side of it: in a run of
    such neighbours only the farthest is tested.
    """
    apart = np.linalg.norm(np.diff(x, axis=0), axis=1) >= np.maximum(away[1:], away[:-1])
    run = np.concatenate([[0], np.cumsum(apart)])  # (n,)
    order = np.lexsort((-away, run))
    tested = order[np.concatenate([[True], np.diff(run[order]) > 0])]
    return inside(np.ascontiguousarray(x[tested]))[run]
