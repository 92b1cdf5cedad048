"""What encloses a volume among triangles that people bring, and what is a sheet with outside on both of its sides.

A part (faces that share edges) is solid where the membranes over the holes at its border are small beside it: fans
from the middle of each loop of border. Solid parts are wound outward; other parts are sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

import igl
import numpy as np

from isofield.topology import areas, components, degenerate, distinct

HOLES = 0.05
"""Membranes over the holes of a solid part have at most this share of its area."""
TIE = 1e-6
"""Radians: faces at an edge that are nearer to each other lie on top of each other."""
RAYS, LEAST_RAYS = 50_000, 10
"""Rays, by which the patches of non-manifold parts are turned outward; and of each patch."""


@dataclass(frozen=True)
class Solids:
    """Triangles sorted into solid parts and sheets.

    vertices: (n, 3). solid: (m, 3) faces of solid parts, wound outward. sheet: (k, 3) faces of the others. part: (m,)
    the part of each solid face. parts: how many there are, of both kinds. dropped: degenerate and repeated faces that
    were left out. turned: solid faces that were wound the other way. holes: area of the membranes over the holes of
    solid parts, as a share of the whole area.
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
        """Share of the area that belongs to sheets."""
        open_, all_ = (areas(self.vertices, f).sum() for f in (self.sheet, np.concatenate([self.solid, self.sheet])))
        return float(open_ / all_)


def sort(vertices: np.ndarray, faces: np.ndarray) -> Solids:
    """Sorts faces (m, 3) over vertices (n, 3), all finite, into solid parts and sheets."""
    first, inverse = distinct(vertices)
    vertices, all_ = np.ascontiguousarray(vertices[first], np.float64), inverse[faces].astype(np.int64)
    faces = _single(all_[~degenerate(vertices, all_)])
    met = _meet(faces, vertices)
    count = int(met.body.max(initial=-1)) + 1
    area = np.bincount(met.body, areas(vertices, faces), count)
    holes = np.bincount(met.body[met.owner], _membranes(vertices, met.border), count)
    closed = holes <= HOLES * area
    kept = closed[met.body]
    wound, turned = _outward(vertices, faces[kept], met.part[kept], met.crossed[kept], met.alike)
    return Solids(
        vertices, wound, faces[~kept], met.part[kept], int(met.part.max(initial=-1)) + 1, len(all_) - len(faces),
        turned, float(holes[closed].sum() / max(area.sum(), 1e-300)),
    )  # fmt: skip


def anywhere_on(vertices: np.ndarray, faces: np.ndarray, chosen: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(k, 3) points, one on each of the faces that are chosen (k,), evenly at random."""
    a, b, c = (np.take(vertices, faces[:, k], axis=0) for k in range(3))
    u, v = random.random((2, len(chosen), 1))
    root = np.sqrt(u)
    points = np.take(a, chosen, axis=0)
    points += root * (1 - v) * np.take(b - a, chosen, axis=0)
    points += root * v * np.take(c - a, chosen, axis=0)
    return points


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Enclosed by triangles, overlaps counted as often as they are enclosed."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _single(faces: np.ndarray) -> np.ndarray:
    """Faces without repeats. Two of opposite winding stay, as walls between touching bodies are, unless more than half
    of all faces have such a twin: a surface with both sides drawn."""
    rolled = faces[distinct(_rolled(faces))[0]]
    index, same = distinct(np.sort(rolled, axis=1))
    number = np.bincount(same)
    twins = number[number > 1].sum() > 0.5 * len(rolled)
    return np.ascontiguousarray(rolled[index] if twins else rolled)


@dataclass(frozen=True)
class _Met:
    """How faces (m) meet. body: (m,) by shared edges of any kind. part: (m,) by edges of two faces, and by wedges
    of more. crossed: (m,) whether the face's part ends at an edge where others go on. alike: whether neighbours across
    edges of two faces are wound alike. border: (e, 2) edges of one face, owner: (e,) it."""

    body: np.ndarray
    part: np.ndarray
    crossed: np.ndarray
    alike: bool
    border: np.ndarray
    owner: np.ndarray


def _meet(faces: np.ndarray, vertices: np.ndarray) -> _Met:
    half = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    owner, along = np.repeat(np.arange(len(faces)), 3), half[:, 0] < half[:, 1]
    ends = np.sort(half, axis=1)
    key = ends[:, 0] * len(vertices) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    key, owner, ends, along = key[order], owner[order], ends[order], along[order]
    new = np.concatenate([[True], key[1:] != key[:-1]])[: len(key)]
    number = np.bincount(np.cumsum(new) - 1, minlength=1)[np.cumsum(new) - 1]  # (3 m,) faces at each one's edge

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
    """Which faces at crowded edges bound the same body: pairs of rows (p,), (p,).

    Rows are sorted by `key`, their edge: ends (k, 2), the face's third corner (k,), and whether it runs along the edge.
    Turning around an edge, the inside begins behind a face that runs against it and ends at the next that runs along
    it. Edges around which the two do not take turns have no pairs.
    """
    if not len(key):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    axis = vertices[ends[:, 1]] - vertices[ends[:, 0]]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    across = np.cross(axis, np.eye(3)[np.abs(axis).argmin(1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    toward = vertices[corner] - vertices[ends[:, 0]]
    angle = np.arctan2((toward * np.cross(axis, across)).sum(1), (toward * across).sum(1))
    angle = np.round(angle / TIE) % round(2 * np.pi / TIE)  # faces on top of each other: first who ends an inside
    order = np.lexsort((~along, angle, key))
    key, along = key[order], along[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    group = np.cumsum(np.concatenate([[True], key[1:] != key[:-1]])) - 1
    following = np.arange(1, len(key) + 1)
    following[np.append(first[1:] - 1, len(key) - 1)] = first
    turns = np.bincount(group, along != along[following]) == np.bincount(group)
    start = np.flatnonzero(~along & turns[group])
    return order[start], order[following[start]]


def _membranes(vertices: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(e,) what every border edge (e, 2) adds to the area of its loop's membrane, a fan from the loop's middle."""
    if not len(ends):
        return np.zeros(0)
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(-1, 2)
    loop = components(len(used), *local.T)[local[:, 0]]
    a, b = vertices[ends[:, 0]], vertices[ends[:, 1]]
    number = np.bincount(loop)[:, None]
    middle = np.stack([np.bincount(loop, (a + b)[:, k] / 2) for k in range(3)], axis=1) / number
    return np.linalg.norm(np.cross(a - middle[loop], b - middle[loop]), axis=1) / 2


def _outward(
    vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, crossed: np.ndarray, alike: bool
) -> tuple[np.ndarray, int]:
    """Faces wound outward, and how many were turned: in every part alike, then by the sign of its volume; parts that
    end at edges where others go on go by what sees them from outside."""
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
    """Which (p,) parts of negative volume lie inside of those of positive volume: the walls of cavities."""
    found = np.zeros(len(volume), bool)
    outer = np.ascontiguousarray(faces[volume[part] > 0])
    if (volume < 0).any() and len(outer):
        first = np.unique(part, return_index=True)
        place = np.ascontiguousarray(vertices[faces[first[1]]].mean(1))
        inside = np.asarray(igl.winding_number(vertices, outer, place)).reshape(-1) > 0.5
        found[first[0]] = inside
    return found & (volume < 0)


def _by_sight(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces, of which every patch shows its front to where more rays get away to infinity or, of as many, farther
    (Takayama et al. 2014). The rays are the same every time."""
    bound, patch = (np.asarray(a) for a in igl.bfs_orient(faces))
    bound, patch = bound.astype(np.int64), patch.reshape(-1)
    random = np.random.default_rng(0)
    area = areas(vertices, bound)
    whole = np.bincount(patch, area)
    rays = np.maximum(np.round(RAYS * whole / whole.sum()), LEAST_RAYS).astype(np.int64)  # of each patch
    order = np.argsort(patch, kind="stable")
    reach, before = np.cumsum(area[order]), np.cumsum(whole) - whole
    owner = np.repeat(np.arange(len(rays)), rays)
    start = np.searchsorted(reach, before[owner] + random.random(len(owner)) * whole[owner], side="right")
    face = order[np.minimum(start, len(order) - 1)]
    place = anywhere_on(vertices, bound, face, random)
    toward = random.standard_normal(place.shape)
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    a, b, c = (vertices[bound[face, k]] for k in range(3))
    toward *= np.where((np.cross(b - a, c - a) * toward).sum(1) < 0, -1, 1)[:, None]
    tree = igl.AABB()
    tree.init(vertices, bound)
    lift = 1e-6 * float(np.ptp(vertices, axis=0).max())
    away, free = [], []
    for side in (1, -1):
        hit, distance, _ = tree.intersect_ray_first(vertices, bound, place + side * lift * toward, side * toward)
        lost = np.asarray(hit).reshape(-1) < 0
        free.append(np.bincount(patch[face], lost))
        away.append(np.bincount(patch[face], np.where(lost, 0, np.asarray(distance).reshape(-1))))
    turn = (free[0] < free[1]) | (free[0] == free[1]) & (away[0] < away[1])
    return np.where(turn[patch][:, None], bound[:, ::-1], bound)


def _majority(faces: np.ndarray) -> np.ndarray:
    """Faces wound alike in every patch, as most of the patch was before."""
    bound, patch = (np.asarray(a) for a in igl.bfs_orient(faces))
    bound, patch = bound.astype(np.int64), patch.reshape(-1)
    changed = (_rolled(bound) != _rolled(faces)).any(1)
    most = np.bincount(patch, changed) > 0.5 * np.bincount(patch)
    return np.where(most[patch][:, None], bound[:, ::-1], bound)


def _rolled(faces: np.ndarray) -> np.ndarray:
    """Faces that name their least corner first: the same winding is the same row."""
    return np.take_along_axis(faces, (np.arange(3)[None] + faces.argmin(1)[:, None]) % 3, 1)
