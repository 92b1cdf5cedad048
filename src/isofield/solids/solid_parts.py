"""Solid parts, which enclose a volume, and sheets, which do not, among the triangles of a mesh.

A part (faces that share edges) is solid if the membranes over its holes are small: fans from the centre of each border
loop. Solid parts are wound outward; other parts are sheets, with outside on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import igl
import numpy as np

from isofield.solids.slivers import without_slivers
from isofield.topology import areas, components, degenerate, distinct, edges_of, proper

HOLES = 0.05
"""Membranes over the holes of a solid part have at most this fraction of its area."""
MISSING = 0.5
"""The same where each hole is one missing face: its three edges belong to three faces."""
TIE = 1e-6
"""Faces at an edge whose angles differ by less (radians) coincide."""
RAYS, LEAST_RAYS = 50_000, 10
"""Rays by which patches of non-manifold parts are oriented, in total; and at least per patch."""


@dataclass(frozen=True)
class Solids:
    """Triangles sorted into solid parts and sheets.

    vertices: (n, 3). solid: (m, 3) faces of solid parts, wound outward. sheet: (k, 3) faces of sheets. part: (m,) the
    part of each solid face. parts: number of parts of both kinds. dropped: number of degenerate and repeated faces,
    which are left out. turned: number of solid faces whose winding was reversed. holes: area of the membranes over the
    holes of solid parts, as a fraction of the whole area.
    """

    vertices: np.ndarray
    solid: np.ndarray
    sheet: np.ndarray
    part: np.ndarray
    parts: int
    dropped: int
    turned: int
    holes: float

    @property
    def sheets(self) -> float:
        """Fraction of the area that belongs to sheets."""
        sheets, total = (areas(self.vertices, f).sum() for f in (self.sheet, np.concatenate([self.solid, self.sheet])))
        return float(sheets / total)


def sort(vertices: np.ndarray, faces: np.ndarray) -> Solids:
    """Separates faces (m, 3) over vertices (n, 3), all finite, into solid parts and sheets."""
    first, inverse = distinct(vertices)
    vertices, all_ = np.ascontiguousarray(vertices[first], np.float64), inverse[faces].astype(np.int64)
    vertices, faces = without_slivers(vertices, proper(all_))
    faces = _single(faces[~degenerate(vertices, faces)])
    met = _meet(faces, vertices)
    count = int(met.body.max(initial=-1)) + 1
    area = np.bincount(met.body, areas(vertices, faces), count)
    holes = np.bincount(met.body[met.owner], _membranes(vertices, met.border), count)
    other = np.bincount(met.body[met.owner], ~_single_faces(met.border, met.owner), count) > 0
    closed = holes <= np.where(other, HOLES, MISSING) * area
    kept = closed[met.body]
    wound, turned = _outward(vertices, faces[kept], met.part[kept], met.crossed[kept], met.alike)
    return Solids(
        vertices, wound, faces[~kept], met.part[kept], int(met.part.max(initial=-1)) + 1, len(all_) - len(faces),
        turned, float(holes[closed].sum() / max(area.sum(), 1e-300)),
    )  # fmt: skip


def bodies(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(m,) the part of each face (m, 3): those that share edges, at crowded ones where they bound the same solid."""
    return _meet(faces, vertices).part


def anywhere_on(vertices: np.ndarray, faces: np.ndarray, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(k, 3) points, one on each of the chosen faces (k,), uniformly at random."""
    a, b, c = (np.take(vertices, faces[:, k], axis=0) for k in range(3))
    u, v = random.random((2, len(chosen), 1))
    root = np.sqrt(u)
    points = np.take(a, chosen, axis=0)
    points += root * (1 - v) * np.take(b - a, chosen, axis=0)
    points += root * v * np.take(c - a, chosen, axis=0)
    return points


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """The volume enclosed by triangles; an overlap of bodies counts once for each."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _single(faces: np.ndarray) -> np.ndarray:
    """Faces without repeats. Twins of opposite winding stay, as between touching bodies, unless more than half of all
    faces have one: then both sides of a surface were modelled."""
    rolled = faces[distinct(_rolled(faces))[0]]
    index, same = distinct(np.sort(rolled, axis=1))
    number = np.bincount(same)
    twins = number[number > 1].sum() > 0.5 * len(rolled)
    return np.ascontiguousarray(rolled[index] if twins else rolled)


@dataclass(frozen=True)
class _Met:
    """Connectivity of faces (m). body: (m,) components over all shared edges. part: (m,) components over edges of two
    faces and over wedges at crowded edges. crossed: (m,) whether the part of the face ends at an edge of other parts.
    alike: whether faces are consistently wound across edges of two. border: (e, 2) edges of one face, owner: (e,) that
    face."""

    body: np.ndarray
    part: np.ndarray
    crossed: np.ndarray
    alike: bool
    border: np.ndarray
    owner: np.ndarray


def _meet(faces: np.ndarray, vertices: np.ndarray) -> _Met:
    edges = edges_of(faces)
    owner, along = edges.order // 3, edges.forward
    key, number = (np.repeat(values, edges.count) for values in (np.arange(len(edges.count)), edges.count))  # (3 m,)
    ends, new = edges.ends[key], np.diff(key, prepend=-1) > 0

    def joined(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return components(len(faces), owner[one], owner[two])

    follow, pair = np.flatnonzero(~new), np.flatnonzero(~new & (number == 2))
    crowded = np.flatnonzero(number > 2)
    corner = faces[owner[crowded]].sum(1) - ends[crowded].sum(1)  # the third
    one, two = _wedges(vertices, ends[crowded], corner, along[crowded], key[crowded])
    body = joined(follow, follow - 1)
    part = joined(np.concatenate([pair, crowded[one]]), np.concatenate([pair - 1, crowded[two]]))
    _, where, own = np.unique(
        np.stack([key[crowded], part[owner[crowded]]]), axis=1, return_inverse=True, return_counts=True
    )
    ends_here = np.bincount(part[owner[crowded]], own[where.reshape(-1)] % 2 == 1, int(part.max(initial=-1)) + 1) > 0
    alike = bool((along[pair] != along[pair - 1]).all())
    return _Met(body, part, ends_here[part], alike, ends[number == 1], owner[number == 1])


def _wedges(
    vertices: np.ndarray, ends: np.ndarray, corner: np.ndarray, along: np.ndarray, key: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of faces that bound the same wedge of solid at an edge of more than two faces: two arrays (p,) of rows.

    Rows are sorted by `key`, the number of their edge. ends: (k, 2) vertices of the edge. corner: (k,) third vertex of
    the face. along: (k,) whether the winding of the face has the edge's own direction. Around an edge, a wedge of solid
    begins behind a face with the opposite direction and ends at the next face with the edge's own. Where the two do not
    alternate, an edge has no pairs.
    """
    if not len(key):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    axis = vertices[ends[:, 1]] - vertices[ends[:, 0]]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    across = np.cross(axis, np.eye(3)[np.abs(axis).argmin(1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    toward = vertices[corner] - vertices[ends[:, 0]]
    angle = np.arctan2((toward * np.cross(axis, across)).sum(1), (toward * across).sum(1))
    angle = np.round(angle / TIE) % round(2 * np.pi / TIE)  # coinciding faces: those that end a wedge first
    order = np.lexsort((~along, angle, key))
    key, along = key[order], along[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    group = np.cumsum(np.concatenate([[True], key[1:] != key[:-1]])) - 1
    following = np.arange(1, len(key) + 1)
    following[np.append(first[1:] - 1, len(key) - 1)] = first
    alternating = np.bincount(group, along != along[following]) == np.bincount(group)
    start = np.flatnonzero(~along & alternating[group])
    return order[start], order[following[start]]


def _membranes(vertices: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(e,) area of the triangle of each border edge (e, 2) in the membrane of its loop, a fan from the centre."""
    if not len(ends):
        return np.zeros(0)
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(-1, 2)
    loop = components(len(used), *local.T)[local[:, 0]]
    a, b = vertices[ends[:, 0]], vertices[ends[:, 1]]
    number = np.bincount(loop)[:, None]
    middle = np.stack([np.bincount(loop, (a + b)[:, k] / 2) for k in range(3)], axis=1) / number
    return np.linalg.norm(np.cross(a - middle[loop], b - middle[loop]), axis=1) / 2


def _single_faces(ends: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(e,) bool: which border edges (e, 2) of the faces `owner` (e,) bound a hole of one missing face."""
    if not len(ends):
        return np.zeros(0, bool)
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(-1, 2)
    loop = components(len(used), *local.T)[local[:, 0]]
    corners = np.bincount(components(len(used), *local.T), minlength=int(loop.max()) + 1)
    owners = np.bincount(np.unique(np.stack([loop, owner]), axis=1)[0], minlength=len(corners))
    return (np.bincount(loop, minlength=len(corners)) == 3)[loop] & (corners == 3)[loop] & (owners == 3)[loop]


def _outward(
    vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, crossed: np.ndarray, alike: bool
) -> tuple[np.ndarray, int]:
    """Faces wound outward, and how many were reversed: consistently in each part, then by the sign of its volume; parts
    that end at edges of others (`crossed`) by their visibility from outside."""
    if not len(faces):
        return faces, 0
    wound = faces.copy() if alike else _majority(faces)
    centre = vertices[wound].mean(1)  # (m, 3)
    count = np.maximum(np.bincount(part), 1)[:, None]
    middle = (np.stack([np.bincount(part, centre[:, k]) for k in range(3)], 1) / count)[part]
    a, b, c = (vertices[wound[:, k]] - middle for k in range(3))
    volume = np.bincount(part, np.einsum("ij,ij->i", a, np.cross(b, c)))
    if volume.sum() < 0:
        wound, volume = wound[:, ::-1].copy(), -volume
    inward = (volume < 0) & ~_cavities(vertices, wound, part, volume)
    wound[inward[part]] = wound[inward[part]][:, ::-1]
    if crossed.any():
        wound[crossed] = _by_sight(vertices, np.ascontiguousarray(wound[crossed]))
    return wound, int((_rolled(wound) != _rolled(faces)).any(1).sum())


def _cavities(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """(p,) bool: parts of negative volume inside those of positive volume, the walls of cavities."""
    cavity = np.zeros(len(volume), bool)
    outer = np.ascontiguousarray(faces[volume[part] > 0])
    if (volume < 0).any() and len(outer):
        first = np.unique(part, return_index=True)
        point = np.ascontiguousarray(vertices[faces[first[1]]].mean(1))
        inside = np.asarray(igl.winding_number(vertices, outer, point)).reshape(-1) > 0.5
        cavity[first[0]] = inside
    return cavity & (volume < 0)


def _by_sight(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces wound by visibility (Takayama et al. 2014): the front of each patch is the side from which more of its rays
    escape to infinity or, if equally many do, travel farther. The rays are fixed."""
    bound, patch = (np.asarray(a) for a in igl.bfs_orient(faces))
    bound, patch = bound.astype(np.int64), patch.reshape(-1)
    random = np.random.default_rng(0)
    area = areas(vertices, bound)
    whole = np.bincount(patch, area)
    rays = np.maximum(np.round(RAYS * whole / whole.sum()), LEAST_RAYS).astype(np.int64)  # of each patch
    order = np.argsort(patch, kind="stable")
    reach, before = np.cumsum(area[order]), np.cumsum(whole) - whole
    owner = np.repeat(np.arange(len(rays)), rays)
    drawn = np.searchsorted(reach, before[owner] + random.random(len(owner)) * whole[owner], side="right")
    face = order[np.minimum(drawn, len(order) - 1)]
    start = anywhere_on(vertices, bound, face, random)
    toward = random.standard_normal(start.shape)
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    a, b, c = (vertices[bound[face, k]] for k in range(3))
    toward *= np.where((np.cross(b - a, c - a) * toward).sum(1) < 0, -1, 1)[:, None]
    tree = igl.AABB()
    tree.init(vertices, bound)
    lift = 1e-6 * float(np.ptp(vertices, axis=0).max())
    away, free = [], []
    for side in (1, -1):
        hit, distance, _ = tree.intersect_ray_first(vertices, bound, start + side * lift * toward, side * toward)
        escaped = np.asarray(hit).reshape(-1) < 0
        free.append(np.bincount(patch[face], escaped))
        away.append(np.bincount(patch[face], np.where(escaped, 0, np.asarray(distance).reshape(-1))))
    turn = (free[0] < free[1]) | (free[0] == free[1]) & (away[0] < away[1])
    return np.where(turn[patch][:, None], bound[:, ::-1], bound)


def _majority(faces: np.ndarray) -> np.ndarray:
    """Faces consistently wound in every patch, as the majority of its faces were."""
    bound, patch = (np.asarray(a) for a in igl.bfs_orient(faces))
    bound, patch = bound.astype(np.int64), patch.reshape(-1)
    changed = (_rolled(bound) != _rolled(faces)).any(1)
    most = np.bincount(patch, changed) > 0.5 * np.bincount(patch)
    return np.where(most[patch][:, None], bound[:, ::-1], bound)


def _rolled(faces: np.ndarray) -> np.ndarray:
    """Faces that begin with their smallest corner, so that faces with the same winding have equal rows."""
    return np.take_along_axis(faces, (np.arange(3)[None] + faces.argmin(1)[:, None]) % 3, 1)
