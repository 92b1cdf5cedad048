"""On which side of closed parts points are, told by the nearest place of their surface alone, wherever that is certain.

Where nothing crosses a face, the winding number in front of it is that in front of its neighbours, and one more behind
it. A point is before or behind the surface by the pseudonormal of what is nearest to it: a face, the sum over an edge's
two faces, or that over a corner's faces, weighted by their angles (Baerentzen and Aanaes, "Signed distance computation
using the angle weighted pseudonormal", 2005). What that leaves open is asked of the winding number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isofield.solids.self_intersections import crossed
from isofield.topology import components

FLAT, ON, CLEAR = 1e-9, 1e-9, 1e-6
"""A nearest place is within its face where the way there and the face's normal differ by less (one less the cosine); it
is on an edge that is nearer than this share of the extent; and a way tells its side where its cosine is larger."""
BLOCK = 512
"""Points that are compared with the boxes of parts together."""

Winding = Callable[[np.ndarray], np.ndarray]
"""Points (n, 3) to their winding numbers (n,)."""


@dataclass(frozen=True)
class Facing:
    """A closed surface's pseudonormals, and what is known of its parts.

    corners: (m, 3, 3) of its faces, part: (m,) theirs. face: (m, 3) unit normals, edge: (m, 3, 3) of the edges from
    corner k to k + 1, corner: (m, 3, 3); 0 where something may cross. area: (m,) connected areas that nothing crosses,
    -1 for faces that something may cross. low, high: (p, 3) the boxes of the parts. plain: (p,) parts that are one
    outward area without crossings: their own winding number is 1 inside and 0 outside.
    """

    corners: np.ndarray
    part: np.ndarray
    face: np.ndarray
    edge: np.ndarray
    corner: np.ndarray
    area: np.ndarray
    low: np.ndarray
    high: np.ndarray
    plain: np.ndarray

    def inside(self, x: np.ndarray, face: np.ndarray, nearest: np.ndarray, winding: Winding) -> np.ndarray:
        """(n,) int8 of points x (n, 3), best in an order in which neighbours follow each other: 1 inside, 0 outside, -1
        where it is not certain.

        face: (n,) the nearest, nearest: (n, 3) the place on it. winding: of the whole surface; asked once an area.
        """
        way = x - nearest
        away = np.sqrt(_dot(way, way))
        height = _dot(way, np.take(self.face, face, axis=0))
        behind = height < 0
        certain = np.abs(height) > (1 - FLAT) * away
        rest = np.flatnonzero(~certain)
        cosine = self._cosine(way[rest], face[rest], nearest[rest])
        behind[rest], certain[rest] = cosine < 0, np.abs(cosine) > CLEAR
        part, area = np.take(self.part, face), np.take(self.area, face)
        certain &= area >= 0
        within, shady = self._others(x, part)
        plain = np.take(self.plain, part)
        certain &= ~within | plain & behind & ~shady
        known = np.flatnonzero(certain & ~plain)
        if len(known):
            behind[known], certain[known] = _levelled(x[known], away[known], area[known], behind[known], winding)
        return np.where(certain, behind, -1).astype(np.int8)

    def _cosine(self, way: np.ndarray, face: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """Between ways (n, 3) to places on edges and corners and the pseudonormals there: (n,); 0 where it is not
        certain which it is."""
        corners = self.corners[face]
        along = _unit(np.roll(corners, -1, 1) - corners)
        off = np.linalg.norm(np.cross(nearest[:, None] - corners, along), axis=2)  # (n, 3) from each edge
        on = off < ON * float((self.high.max(0) - self.low.min(0)).max())
        number = on.sum(1)
        normal = np.zeros_like(way)
        edges, ends = np.flatnonzero(number == 1), np.flatnonzero(number == 2)
        normal[edges] = self.edge[face[edges], on[edges].argmax(1)]
        normal[ends] = self.corner[face[ends], (on[ends].argmin(1) + 2) % 3]
        return _dot(_unit(way), _unit(normal))

    def _others(self, x: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which points x (n, 3) are in boxes of parts other than theirs (n,), and which in one of a part that is not
        plain."""
        within, shady = (np.zeros(len(x), bool) for _ in range(2))
        if len(self.plain) < 2:
            return within, shady
        starts = np.arange(0, len(x), BLOCK)
        low, high = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)  # (b, 3)
        for k in range(len(self.plain)):
            blocks = np.flatnonzero(((low <= self.high[k]) & (high >= self.low[k])).all(1))
            near = (starts[blocks, None] + np.arange(BLOCK)).reshape(-1)
            near = near[near < len(x)]
            near = near[part[near] != k]
            for axis in range(3):
                place = x[near, axis]
                near = near[(place >= self.low[k, axis]) & (place <= self.high[k, axis])]
            within[near] = True
            shady[near] |= ~self.plain[k]
        return within, shady


def facing(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> Facing | None:
    """What faces (m, 3), wound alike within every part (m,), tell of sides; None unless all parts are closed, with two
    faces at every edge."""
    own, number = _apart(vertices, faces, part)
    mate = _mates(own, number)
    if mate is None:
        return None
    corners = vertices[faces]
    normal = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    hit = crossed(vertices, faces, part)
    edge = normal[:, None] + normal[mate // 3].reshape(-1, 3, 3)
    edge[hit[:, None] | hit[mate // 3].reshape(-1, 3)] = 0
    parts = int(part.max()) + 1
    six = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))  # times the volume below a face
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    np.minimum.at(low, part, corners.min(1))
    np.maximum.at(high, part, corners.max(1))
    return Facing(
        corners, part, normal, edge, _corner_normals(corners, normal, own, mate, hit), _areas(hit, mate), low, high,
        (np.bincount(part, six) > 0) & (np.bincount(part, hit) == 0),
    )  # fmt: skip


def _apart(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, int]:
    """Faces (m, 3) over corners that no two parts share, and how many corners there are."""
    if not part.any():
        return faces, len(vertices)
    used, own = np.unique(part[:, None].astype(np.int64) * len(vertices) + faces, return_inverse=True)
    return own.reshape(-1, 3), len(used)


def _mates(faces: np.ndarray, number: int) -> np.ndarray | None:
    """Of the half edges (3 m,), 3 f + k from corner k of face f to the next, those that lead the other way; None where
    one has not exactly one."""
    start, end = faces.reshape(-1), np.roll(faces, -1, 1).reshape(-1)
    there, back = start * number + end, end * number + start
    order, other = np.argsort(there), np.argsort(back)
    if (np.diff(there[order]) == 0).any() or not np.array_equal(there[order], back[other]):
        return None
    mate = np.empty(len(start), np.int64)
    mate[other] = order
    return mate


def _corner_normals(
    corners: np.ndarray, normal: np.ndarray, faces: np.ndarray, mate: np.ndarray, hit: np.ndarray
) -> np.ndarray:
    """(m, 3, 3) sums of normals (m, 3), weighted by angles, around the corners of faces; 0 where several fans of faces
    share a corner, or one of the faces is hit (m,)."""
    ahead, behind = (_unit(np.roll(corners, -k, 1) - corners) for k in (1, 2))
    angle = np.arctan2(np.linalg.norm(np.cross(ahead, behind), axis=2), (ahead * behind).sum(2))  # (m, 3)
    weighted = (angle[:, :, None] * normal[:, None]).reshape(-1, 3)
    corner = faces.reshape(-1)
    summed = np.stack([np.bincount(corner, weighted[:, k]) for k in range(3)], axis=1)
    half = np.arange(len(mate))
    fans = components(len(half), half, mate[half // 3 * 3 + (half + 2) % 3])  # the next edge around the corner
    several = np.bincount(corner[np.unique(fans, return_index=True)[1]], minlength=len(summed)) > 1
    several[faces[hit]] = True
    summed[several] = 0
    return summed[faces]


def _areas(hit: np.ndarray, mate: np.ndarray) -> np.ndarray:
    """(m,) the connected areas of faces that are not hit (m,); -1 for those that are."""
    face, other = np.arange(len(mate)) // 3, mate // 3
    free = ~hit[face] & ~hit[other]
    return np.where(hit, -1, components(len(hit), face[free], other[free]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) of unit length; zero stays zero."""
    return vectors / np.maximum(np.sqrt(np.einsum("...j,...j->...", vectors, vectors)), 1e-300)[..., None]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, 3) and (n, 3) to (n,)."""
    return np.einsum("ij,ij->i", a, b)


def _levelled(
    x: np.ndarray, away: np.ndarray, area: np.ndarray, behind: np.ndarray, winding: Winding
) -> tuple[np.ndarray, np.ndarray]:
    """Which of points (n, 3) near to areas (n,) are inside (n,), and whether that is certain (n,): the farthest point
    of every area is asked."""
    order = np.lexsort((away, area))
    last = order[np.concatenate([np.diff(area[order]) > 0, [True]])]
    asked = winding(np.take(x, last, axis=0))
    level = np.round(asked)
    place = np.searchsorted(area[last], area)
    before = (level - behind[last])[place]  # the winding number before the surface
    return before + behind > 0.5, (np.abs(asked - level) < 0.1)[place]
