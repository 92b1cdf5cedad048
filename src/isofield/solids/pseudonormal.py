"""Inside or outside from the pseudonormal at the closest point of a surface, wherever that is certain.

Across a face that no other face meets, the winding number changes by one, and on each side of it, it is the same as
beside the neighbouring faces. The pseudonormal of the closest feature tells the side: the normal of a face, the sum
over the two faces of an edge, or over the faces around a corner, weighted by their angles (Baerentzen and Aanaes,
"Signed distance computation using the angle weighted pseudonormal", 2005). Points for which this is ambiguous are left
to the winding number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isofield.solids.self_intersections import crossed
from isofield.solids.triangles import Winding
from isofield.topology import components, holds

FLAT, ON, CLEAR = 1e-9, 1e-9, 1e-6
"""The closest point is inside its face if the cosine between its offset and the normal differs from 1 by less than the
first; on an edge that is nearer than the second, as a fraction of the extent; the sign is certain if the cosine with
the pseudonormal is larger than the third."""
BLOCK = 512
"""Points that are compared with the boxes of parts together."""


@dataclass(frozen=True)
class Pseudonormals:
    """The pseudonormals of a closed surface and what makes them certain.

    corners: (m, 3, 3) of its faces, part: (m,) the part of each. face: (m, 3) unit normals, edge: (m, 3, 3) of the
    edges from corner k to k + 1, corner: (m, 3, 3); 0 where faces may cross, and at edges of more than two faces.
    region: (m,) connected regions that no face crosses, -1 for faces that others may cross. low, high: (p, 3) boxes of
    the parts. simple: (p,) parts that are one outward region without crossings: their own winding number is 1 inside
    and 0 outside.
    """

    corners: np.ndarray
    part: np.ndarray
    face: np.ndarray
    edge: np.ndarray
    corner: np.ndarray
    region: np.ndarray
    low: np.ndarray
    high: np.ndarray
    simple: np.ndarray

    def inside(self, x: np.ndarray, face: np.ndarray, closest: np.ndarray, winding: Winding) -> np.ndarray:
        """(n,) int8 for points x (n, 3): 1 inside, 0 outside, -1 not certain. Fastest in Morton order.

        face: (n,) the closest faces, closest: (n, 3) the points on them. winding: of the whole surface; evaluated at
        one point a region.
        """
        offset = x - closest
        away = np.sqrt(_dot(offset, offset))
        height = _dot(offset, np.take(self.face, face, axis=0))
        behind = height < 0
        certain = np.abs(height) > (1 - FLAT) * away
        rest = np.flatnonzero(~certain)
        cosine = self._cosine(offset[rest], face[rest], closest[rest])
        behind[rest], certain[rest] = cosine < 0, np.abs(cosine) > CLEAR
        part, region = np.take(self.part, face), np.take(self.region, face)
        certain &= region >= 0
        covered, tangled = self._others(x, part)
        simple = np.take(self.simple, part)
        certain &= ~covered | simple & behind & ~tangled
        rows = np.flatnonzero(certain & ~simple)
        if len(rows):
            behind[rows], certain[rows] = _by_region(x[rows], away[rows], region[rows], behind[rows], winding)
        return np.where(certain, behind, -1).astype(np.int8)

    def _cosine(self, offset: np.ndarray, face: np.ndarray, closest: np.ndarray) -> np.ndarray:
        """(n,) cosines between offsets (n, 3) from edges and corners and their pseudonormals; 0 if it is not certain
        which feature is closest."""
        corners = self.corners[face]
        along = _unit(np.roll(corners, -1, 1) - corners)
        off = np.linalg.norm(np.cross(closest[:, None] - corners, along), axis=2)  # (n, 3) from each edge
        on = off < ON * float((self.high.max(0) - self.low.min(0)).max())
        number = on.sum(1)
        normal = np.zeros_like(offset)
        edges, ends = np.flatnonzero(number == 1), np.flatnonzero(number == 2)
        normal[edges] = self.edge[face[edges], on[edges].argmax(1)]
        normal[ends] = self.corner[face[ends], (on[ends].argmin(1) + 2) % 3]
        return _dot(_unit(offset), _unit(normal))

    def _others(self, x: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool: which points x (n, 3) lie in the box of another part than theirs; (n,) bool: which of them in the
        box of one that is not simple."""
        covered, tangled = (np.zeros(len(x), bool) for _ in range(2))
        if len(self.simple) < 2:
            return covered, tangled
        starts = np.arange(0, len(x), BLOCK)
        low, high = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)  # (b, 3)
        for k in range(len(self.simple)):
            blocks = np.flatnonzero(((low <= self.high[k]) & (high >= self.low[k])).all(1))
            near = (starts[blocks, None] + np.arange(BLOCK)).reshape(-1)
            near = near[near < len(x)]
            near = near[part[near] != k]
            for axis in range(3):
                position = x[near, axis]
                near = near[(position >= self.low[k, axis]) & (position <= self.high[k, axis])]
            covered[near] = True
            tangled[near] |= ~self.simple[k]
        return covered, tangled


def pseudonormals(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> Pseudonormals | None:
    """The pseudonormals of faces (m, 3), consistently wound in every part (m,); None unless every part is closed."""
    own, number = _apart(vertices, faces, part)
    mate = _mates(own, number)
    if mate is None:
        return None
    corners = vertices[faces]
    normal = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    hit = crossed(vertices, faces, part)
    edge = normal[:, None] + normal[mate // 3].reshape(-1, 3, 3)
    crowded = (mate == np.arange(len(mate))).reshape(-1, 3)
    edge[hit[:, None] | hit[mate // 3].reshape(-1, 3) | crowded] = 0
    parts = int(part.max()) + 1
    six = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))  # 6 times the volume below
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    np.minimum.at(low, part, corners.min(1))
    np.maximum.at(high, part, corners.max(1))
    return Pseudonormals(
        corners, part, normal, edge, _corner_normals(corners, normal, own, mate, hit), _regions(hit, mate), low, high,
        (np.bincount(part, six) > 0) & (np.bincount(part, hit | crowded.any(1)) == 0),
    )  # fmt: skip


def _apart(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, int]:
    """Faces (m, 3) over vertices that no two parts share, and how many vertices there are."""
    if not part.any():
        return faces, len(vertices)
    used, own = np.unique(part[:, None].astype(np.int64) * len(vertices) + faces, return_inverse=True)
    return own.reshape(-1, 3), len(used)


def _mates(faces: np.ndarray, number: int) -> np.ndarray | None:
    """(3 m,) the opposite half-edge of each half-edge 3 f + k, from corner k of face f to the next, and itself at edges
    of more than two faces; None unless as many run either way along each edge."""
    start, end = faces.reshape(-1), np.roll(faces, -1, 1).reshape(-1)
    there, back = start * number + end, end * number + start
    order, other = np.argsort(there), np.argsort(back)
    if not np.array_equal(there[order], back[other]):
        return None
    mate = np.empty(len(start), np.int64)
    mate[other] = order
    same = np.diff(there[order]) == 0
    crowded = np.concatenate([order[1:][same], order[:-1][same]])
    crowded = np.flatnonzero(holds(np.sort(there[crowded]), there) | holds(np.sort(back[crowded]), there))
    mate[crowded] = crowded
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
    before = half // 3 * 3 + (half + 2) % 3
    fans = components(len(half), half, np.where(mate[before] == before, half, mate[before]))  # next around the corner
    several = np.bincount(corner[np.unique(fans, return_index=True)[1]], minlength=len(summed)) > 1
    several[faces[hit]] = True
    summed[several] = 0
    return summed[faces]


def _regions(hit: np.ndarray, mate: np.ndarray) -> np.ndarray:
    """(m,) connected regions of the faces that are not hit (m,); -1 for those that are."""
    face, other = np.arange(len(mate)) // 3, mate // 3
    free = ~hit[face] & ~hit[other]
    return np.where(hit, -1, components(len(hit), face[free], other[free]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) of unit length; zero stays zero."""
    return vectors / np.maximum(np.sqrt(np.einsum("...j,...j->...", vectors, vectors)), 1e-300)[..., None]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, 3) and (n, 3) to (n,)."""
    return np.einsum("ij,ij->i", a, b)


def _by_region(
    x: np.ndarray, away: np.ndarray, region: np.ndarray, behind: np.ndarray, winding: Winding
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) bool: which points are inside, and (n,) bool: for which that is certain, from the winding number at the
    point of each region (n,) that is farthest from the surface."""
    order = np.lexsort((away, region))
    last = order[np.concatenate([np.diff(region[order]) > 0, [True]])]
    number = winding(np.take(x, last, axis=0))
    level = np.round(number)
    row = np.searchsorted(region[last], region)
    before = (level - behind[last])[row]  # the winding number in front of the surface
    return before + behind > 0.5, (np.abs(number - level) < 0.1)[row]
