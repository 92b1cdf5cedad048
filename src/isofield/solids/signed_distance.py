"""Signed distance to solid parts and to thickened surfaces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import igl
import numpy as np

from isofield.kdtree import in_order
from isofield.solids.pseudonormal import pseudonormals
from isofield.solids.solid_parts import Solids, anywhere_on
from isofield.solids.triangles import Inside, closest_on, parity_of, winding_of
from isofield.topology import areas
from isofield.types import Distance

ON = 1e-9
"""A point nearer to the middle of a slab than this fraction of its half has the normal of the face."""

OPPOSITE = 0.8
"""The two sides of a wall are opposite faces if the cosine of their angle is above this."""

ZERO = 1e-12
"""A point nearer to the surface than this fraction of the extent is on it: its side does not count."""

Rows = Callable[[np.ndarray], np.ndarray]
"""Points x (n, 3) to rows (n, 7): the signed distance, the closest point of the surface, and its outward normal."""


def signed_distance(solids: Solids, thickness: float, parity: bool = False) -> Distance:
    """The signed distance of the union of solid parts and sheets; (n, 3) to (n,), float64.

        f(x) = min(s(x) d_solid(x), d_sheet(x) - thickness / 2),   s < 0 where the winding number exceeds 1/2

    d: exact distances to the triangles. The winding number is exact on closed parts and closes small holes;
    overlapping parts are a union, whose inner walls count as surfaces. thickness: of the slabs that sheets become, in
    the units of the vertices; with 0 they are surfaces with outside on both sides. parity: `parity_of` decides what is
    inside, instead of the winding number. Raises ValueError where there are no faces.
    """
    rows = closest_surface(solids, thickness, parity)
    return lambda x: rows(x)[:, 0]


def closest_surface(solids: Solids, thickness: float, parity: bool = False) -> Rows:
    """The signed distance, the closest point and its normal; see `signed_distance`, also for what it raises.

    Away from the surface the gradient of the distance is (x - closest) / distance; the normal is that of the closest
    face, and of a slab the direction from its middle.
    """
    if not len(solids.solid) and not len(solids.sheet):
        raise ValueError("there are no faces")
    solid = _solid(solids, parity) if len(solids.solid) else None
    sheet = _slabs(solids, thickness / 2) if len(solids.sheet) else None

    def ordered(x: np.ndarray) -> np.ndarray:
        rows = solid(x) if solid is not None else None
        slab = sheet(x) if sheet is not None else None
        if rows is None or slab is None:
            return slab if rows is None else rows  # type: ignore[return-value]
        return np.where((slab[:, 0] < rows[:, 0])[:, None], slab, rows)

    return lambda x: in_order(ordered, np.ascontiguousarray(x, np.float64))


def _solid(solids: Solids, parity: bool) -> Rows:
    """The rows of the solid parts, of points in Morton order.

    The pseudonormals give most signs, once there were more points than faces: preparing them costs one pass over the
    faces.
    """
    vertices, faces = solids.vertices, solids.solid
    closest = closest_on(vertices, faces)
    winding = cache(lambda: winding_of(vertices, faces))
    normals = cache(lambda: None if parity else pseudonormals(vertices, faces, solids.part))
    inside = parity_of(vertices, faces) if parity else lambda x: winding()(x) > 0.5
    normal = _normals(vertices, faces)
    on = ZERO * float(np.ptp(vertices, axis=0).max())
    seen = 0

    def rows(x: np.ndarray) -> np.ndarray:
        nonlocal seen
        seen += len(x)
        away, face, point = closest(x)
        known = normals() if len(faces) <= seen else None
        if known is None:
            side = _inside(x, away, inside)
        else:
            side = known.inside(x, face, point, lambda x: winding()(x))
            left = np.flatnonzero((side < 0) & (away > on))
            if len(left):
                side[left] = _inside(np.take(x, left, axis=0), away[left], inside)
        return np.column_stack([np.where(side > 0, -away, away), point, np.take(normal, face, axis=0)])

    return rows


def _slabs(solids: Solids, half: float) -> Rows:
    """The rows of sheets that are thickened by `half` on either side."""
    closest = closest_on(solids.vertices, solids.sheet)
    normal = _normals(solids.vertices, solids.sheet)

    def rows(x: np.ndarray) -> np.ndarray:
        away, face, point = closest(x)
        on = (away <= ON * half)[:, None]
        outward = np.where(on, np.take(normal, face, axis=0), (x - point) / np.maximum(away, 1e-300)[:, None])
        return np.column_stack([away - half, point + half * outward, outward])

    return rows


def wall_thickness(vertices: np.ndarray, faces: np.ndarray, rays: int = 4000, share: float = 0.02) -> float:
    """The thickness that a fraction `share` of the surface of solid parts falls below: lengths of rays from points on
    the faces (m, 3) straight inward to the next face (Shapira, Shamir and Cohen-Or 2008, with one ray), if that is
    opposite: at edges and tips every body is thin. Infinite where so few rays meet an opposite face."""
    random = np.random.default_rng(0)
    area = areas(vertices, faces)
    chosen = random.choice(len(faces), rays, p=area / area.sum())
    inward = -_normals(vertices, faces[chosen])
    lift = 1e-6 * float(np.ptp(vertices, axis=0).max())
    tree = igl.AABB()
    tree.init(vertices, faces)
    start = anywhere_on(vertices, faces, chosen, random) + lift * inward
    hit, length, _ = tree.intersect_ray_first(vertices, faces, start, inward)
    face = np.asarray(hit).reshape(-1)
    opposite = (_normals(vertices, faces[face]) * inward).sum(1) > OPPOSITE
    through = np.where((face >= 0) & opposite, np.asarray(length).reshape(-1), np.inf)
    return float(np.quantile(through, share, method="lower"))


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(m, 3) unit normals of faces."""
    a, b, c = (np.take(vertices, faces[:, k], axis=0) for k in range(3))
    normal = np.cross(b - a, c - a)
    return normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None]


def _inside(x: np.ndarray, away: np.ndarray, inside: Inside) -> np.ndarray:
    """(n,) bool: which of points x (n, 3), `away` (n,) from the surface, are inside.

    Two points that are closer to each other than one of them is to the surface are on the same side of it: in a run of
    such neighbours only the farthest is tested.
    """
    if not len(x):
        return np.zeros(0, bool)
    apart = np.linalg.norm(np.diff(x, axis=0), axis=1) >= np.maximum(away[1:], away[:-1])
    run = np.concatenate([[0], np.cumsum(apart)])  # (n,)
    order = np.lexsort((-away, run))
    tested = order[np.concatenate([[True], np.diff(run[order]) > 0])]
    return inside(np.ascontiguousarray(x[tested]))[run]
