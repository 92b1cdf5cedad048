"""Closed surfaces that cross themselves, without what lies inside: faces are cut where they cross, and the pieces
between outside and inside are kept (mesh arrangements, Zhou et al. 2016, in floating point).

All is decided for vertices that are moved at random by a hundred millionth of the extent, so that no four of them lie
in a plane: whether an edge pierces a face once for each pair, by signs of volumes. The result is refused if rounding
errors leave it open.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import combinations, pairwise
from math import atan2

import numpy as np

from isofield.solids.self_intersections import meeting
from isofield.solids.solid_parts import anywhere_on
from isofield.solids.triangles import winding_of
from isofield.topology import areas, components, edges_of, holds

MOVED = 1e-8, 1e-6, 1e-5
"""Vertices are moved by this fraction of the extent, at most; by the next where that does not suffice."""
STEP = 1e-6
"""The winding number is evaluated in front of faces, at this fraction of the extent."""
MOST = 10_000
"""No more pairs of faces are cut."""
SAMPLES = 5
"""The largest faces at which it is evaluated."""
PROBES = 4000
"""Number of points behind which the winding number is tested."""
MISPLACED = 1e-3
"""At most this fraction of the surface of crossing faces may lie inside."""


def overlapping(vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Whether closed faces (m, 3) cross each other, and the winding number behind some of their area is not 1, as
    behind walls inside another part of the solid. Where bodies only touch, it is 1 on both sides."""
    if not any(pairs.size for pairs in meeting(vertices, faces, np.zeros(len(faces), np.int64))):
        return False
    random = np.random.default_rng(0)
    area = areas(vertices, faces)
    chosen = random.choice(len(area), PROBES, p=area / area.sum())
    at = anywhere_on(vertices, faces, chosen, random) - _step(vertices, vertices[faces[chosen]])
    return bool((np.abs(winding_of(vertices, faces)(at) - 1) > 0.5).mean() > MISPLACED)


def outermost(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices and faces (m, 3) of the surface around all points with a positive winding number about closed faces
    (n, 3); None where rounding errors spoil it. The given vertices come first, and faces that cross none stay as they
    are."""
    extent = float(np.ptp(vertices, axis=0).max())
    for far in MOVED:
        moved = vertices + far * extent * np.random.default_rng(0).uniform(-1, 1, vertices.shape)
        found = _outermost(moved, faces)
        if found is not None:
            return np.concatenate([vertices, found[0][len(vertices) :]]), found[1]
    return None


def _outermost(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """`outermost` of faces in general position."""
    pairs = np.zeros((2, 0), np.int64)
    for more in meeting(vertices, faces, np.zeros(len(faces), np.int64)):
        pairs = np.concatenate([pairs, more], axis=1)
        if pairs.shape[1] > MOST:
            return None
    cuts = _Cuts(vertices, faces)
    if not cuts.fill(pairs):
        return None
    whole = np.setdiff1d(np.arange(len(faces)), list(cuts.segments))
    pieces, owner = [faces[whole]], [whole]
    for face in cuts.segments:
        cut = cuts.cut(face)
        if cut is None:
            return None
        pieces.append(cut)
        owner.append(np.full(len(cut), face))
    every = np.concatenate(pieces)
    points = np.concatenate([vertices, np.reshape(cuts.points, (-1, 3))])
    kept = every[_fronts(vertices, faces, points, every, np.concatenate(owner), cuts.curves) == 0]
    return None if edges_of(kept).balance().any() else (points, kept)


class _Cuts:
    """The segments along which faces cut each other.

    points: the new points, numbered after the vertices. segments: for each face, the points of each segment from end to
    end, by the other face. curves: by two neighbouring points of a segment, the lower number first: 1 where the first
    of the two faces, to the left of the line from one to the other, is in front of the second face, otherwise -1.
    flat: (n, 2) the coordinates that a face is projected onto, in which it is wound counterclockwise.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.vertices, self.faces = vertices, faces
        self.points: list[np.ndarray] = []
        self.segments: dict[int, dict[int, list[int]]] = defaultdict(dict)
        self.on_edge: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
        self.curves: dict[tuple[int, int], int] = {}
        a, b, c = vertices[faces].transpose(1, 0, 2)
        normals = np.cross(b - a, c - a)
        axis = np.abs(normals).argmax(1)
        self.flat = np.stack([(axis + 1) % 3, (axis + 2) % 3], 1)
        turned = normals[np.arange(len(axis)), axis] <= 0
        self.flat[turned] = self.flat[turned, ::-1]

    def fill(self, pairs: np.ndarray) -> bool:
        """Finds the segments of pairs (2, p) of faces; False where one has not two ends."""
        found = self._pierced(pairs)
        sides: dict[tuple[int, int], int] = {}
        for one, two in np.sort(pairs, axis=0).T.tolist():
            corners, others = self.faces[one].tolist(), self.faces[two].tolist()
            ends = [v for v in corners if v in others]
            if len(ends) > 1:
                continue
            side = 0
            for face, ring, sign in ((two, corners, 1), (one, others, -1)):
                for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
                    name, first = found.get((min(a, b), max(a, b), face), (-1, False))
                    if name >= 0:
                        side = sign if (len(ends) == 0) == (first == (a < b)) else -sign
                        ends.append(name)
            if len(ends) == 2 and side:
                self.segments[one][two], self.segments[two][one] = list(ends), list(ends)
                sides[one, two] = side
            elif len(ends) > 1 or side:
                return False
        self._cross_segments(sides)
        return True

    def _pierced(self, pairs: np.ndarray) -> dict[tuple[int, int, int], tuple[int, bool]]:
        """The point of each edge and face that it pierces, and whether its first vertex is in front of the face."""
        rows = []
        for one, two in (pairs, pairs[::-1]):
            for k in range(3):
                ends = np.sort(self.faces[one][:, [k, (k + 1) % 3]], axis=1)
                rows.append(np.column_stack([ends, two]))
        found = np.unique(np.concatenate(rows), axis=0)
        found = found[~(found[:, :2, None] == self.faces[found[:, 2]][:, None]).any((1, 2))]
        u, v = found[:, 0], found[:, 1]
        a, b, c = self.faces[found[:, 2]].T
        start, end = _volume(self.vertices, u, a, b, c), _volume(self.vertices, v, a, b, c)
        sides = np.stack([_volume(self.vertices, u, v, *ends) > 0 for ends in ((a, b), (b, c), (c, a))])
        pierced = ((start > 0) != (end > 0)) & (sides.all(0) | ~sides.any(0))
        result = {}
        for (low, high, face), s, e in zip(found[pierced].tolist(), start[pierced], end[pierced], strict=True):
            share = float(s / (s - e))
            name = self._add((1 - share) * self.vertices[low] + share * self.vertices[high])
            result[low, high, face] = name, bool(s < 0)
            self.on_edge[low, high].append((share, name))
        return result

    def _add(self, point: np.ndarray) -> int:
        self.points.append(point)
        return len(self.vertices) + len(self.points) - 1

    def _at(self, names: list[int]) -> np.ndarray:
        """(k, 3) positions of points by number."""
        known = len(self.vertices)
        return np.array([self.vertices[n] if n < known else self.points[n - known] for n in names])

    def _cross_segments(self, sides: dict[tuple[int, int], int]) -> None:
        """Puts the points in which three faces meet into their segments."""
        ends = {face: {other: list(line) for other, line in own.items()} for face, own in self.segments.items()}
        for face, own in ends.items():
            flat = {other: self._flat(face, line) for other, line in own.items()}
            for one, two in combinations(sorted(own), 2):
                if face > one or two not in ends[one] or set(own[one]) & set(own[two]):
                    continue
                (p, q), (r, s) = flat[one], flat[two]
                along, beside, between = q - p, s - r, r - p
                det = along[0] * beside[1] - along[1] * beside[0]
                t, u = (between[0] * d[1] - between[1] * d[0] for d in (beside, along))
                if det and 0 < t / det < 1 and 0 < u / det < 1:
                    place = self._at(own[one])
                    name = self._add(place[0] + t / det * (place[1] - place[0]))
                    for x, y in ((face, one), (face, two), (one, two)):
                        self.segments[x][y].append(name)
                        self.segments[y][x].append(name)
        for face, own in self.segments.items():
            for other, line in own.items():
                place = self._at(line)
                order = np.argsort((place - place[0]) @ (place[1] - place[0]), kind="stable")
                self.segments[face][other] = line = [line[k] for k in order]
                if face < other:
                    side = sides[face, other]
                    self.curves |= {(min(a, b), max(a, b)): side if a < b else -side for a, b in pairwise(line)}

    def _flat(self, face: int, names: list[int]) -> np.ndarray:
        """(k, 2) points in the plane of a face, which is wound counterclockwise."""
        return self._at(names)[:, self.flat[face]]

    def cut(self, face: int) -> np.ndarray | None:
        """(k, 3) the pieces of a face; None where its segments are not a planar graph."""
        from manifold3d import triangulate

        ring = self.faces[face].tolist()
        lines = list(self.segments[face].values())
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            inner = [name for _, name in sorted(self.on_edge[min(a, b), max(a, b)])]
            lines.append([a, *(inner if a < b else inner[::-1]), b])
        names = sorted({name for line in lines for name in line})
        place = dict(zip(names, self._flat(face, names), strict=True))
        loops = _loops(lines, place)
        size = [_area(np.array([place[n] for n in loop])) for loop in loops]
        outer = [k for k, s in enumerate(size) if s > 0]
        if not outer:
            return None
        holes: dict[int, list[list[int]]] = {k: [loops[k]] for k in outer}
        corner = set(ring)
        for k, loop in enumerate(loops):
            if size[k] > 0 or corner & set(loop):
                continue
            around = [o for o in outer if not set(loop) & set(loops[o])]
            around = [o for o in around if _inside(place[loop[0]], np.array([place[n] for n in loops[o]]))]
            if not around:
                return None
            holes[min(around, key=lambda o: size[o])].append(loop)
        made = []
        for group in holes.values():
            flat = [name for loop in group for name in loop]
            parts = [[0, 1, 2]] if len(flat) == 3 else triangulate([np.array([place[n] for n in x]) for x in group])
            made.append(np.array(flat)[np.asarray(parts, np.int64).reshape(-1, 3)])
        return np.concatenate(made)


def _volume(points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(n,) signed volumes of tetrahedra, equal to the last bit, but for the sign, in any order of their corners."""
    corners = np.stack([a, b, c, d], axis=1)
    order = corners.argsort(1)
    odd = np.zeros(len(corners), bool)
    for i, j in combinations(range(4), 2):
        odd ^= order[:, i] > order[:, j]
    p, q, r, s = points[np.take_along_axis(corners, order, 1)].transpose(1, 0, 2)
    volume = np.einsum("ij,ij->i", q - p, np.cross(r - p, s - p))
    return np.where(odd, -volume, volume)


def _loops(lines: list[list[int]], place: dict[int, np.ndarray]) -> list[list[int]]:
    """The borders of the regions of a planar graph, counterclockwise around a region."""
    ends = {edge for line in lines for edge in pairwise(line)}
    ends |= {(b, a) for a, b in ends}
    around: dict[int, list[int]] = defaultdict(list)
    for a, b in ends:
        around[a].append(b)
    for a, others in around.items():
        others.sort(key=partial(_angle, place, a))
    loops = []
    while ends:
        start = edge = min(ends)
        loop = []
        while True:
            ends.remove(edge)
            loop.append(edge[0])
            others = around[edge[1]]
            edge = (edge[1], others[others.index(edge[0]) - 1])
            if edge == start:
                break
        loops.append(loop)
    return loops


def _angle(place: dict[int, np.ndarray], a: int, b: int) -> float:
    """The direction of b as seen from a."""
    (x, y), (u, v) = place[a], place[b]
    return atan2(v - y, u - x)


def _area(loop: np.ndarray) -> float:
    """The signed area within a loop (n, 2)."""
    around = loop - loop[0]
    (x, y), (after, above) = around.T, np.concatenate([around[1:], around[:1]]).T
    return float((x * above - y * after).sum() / 2)


def _inside(point: np.ndarray, loop: np.ndarray) -> bool:
    """Whether a point (2,) lies inside a loop (n, 2)."""
    a, b = loop - point, np.roll(loop, -1, 0) - point
    across = (a[:, 1] > 0) != (b[:, 1] > 0)
    a, b = a[across], b[across]
    return bool((a[:, 0] - a[:, 1] * (b - a)[:, 0] / (b - a)[:, 1] > 0).sum() % 2)


def _fronts(
    vertices: np.ndarray,
    faces: np.ndarray,
    points: np.ndarray,
    pieces: np.ndarray,
    owner: np.ndarray,
    curves: dict[tuple[int, int], int],
) -> np.ndarray:
    """(k,) the winding numbers in front of the pieces (k, 3) of the faces `owner` (k,). curves: those of `_Cuts`.

    It differs by one between the two pieces of a face beside a curve, and is evaluated where pieces are large.
    """
    curve, side = np.array([(a * len(points) + b, s) for (a, b), s in sorted(curves.items())]).reshape(-1, 2).T
    edges = edges_of(pieces)
    key = edges.ends @ [len(points), 1]
    on = holds(curve, key)
    first = edges.start[(edges.count == 2) & ~on]
    patch = components(len(pieces), edges.order[first] // 3, edges.order[first + 1] // 3)
    count = int(patch.max(initial=-1)) + 1

    on &= edges.count == 4
    row = edges.start[on][:, None] + np.arange(4)
    row = np.take_along_axis(row, (2 * owner[edges.order[row] // 3] + edges.forward[row]).argsort(1), 1)
    four = patch[edges.order[row] // 3]  # the right and the left piece of a face, and those of the face that crosses it
    jump = side[np.searchsorted(curve, key[on])]
    offset, group = _potential(
        count, four[:, [0, 2]].T.reshape(-1), four[:, [1, 3]].T.reshape(-1), np.append(-jump, jump)
    )

    area = areas(points, pieces)
    order = np.lexsort((-area, group[patch]))
    rank = np.arange(len(order)) - np.searchsorted(group[patch][order], group[patch][order])
    chosen = order[rank < SAMPLES]
    corners = points[pieces[chosen]]
    at = corners.mean(1) + _step(vertices, corners)
    seen = winding_of(vertices, faces)(at) - offset[patch[chosen]]
    level = np.array([np.round(np.median(seen[group[patch[chosen]] == k])) for k in range(int(group.max()) + 1)])
    return (offset + level[group])[patch]


def _step(vertices: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(k, 3) short steps along the normals of triangles (k, 3, 3)."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    return STEP * np.ptp(vertices, axis=0).max() * normal / length


def _potential(count: int, left: np.ndarray, right: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(count,) numbers that grow by `step` (e,) from nodes left (e,) to right (e,), beginning with 0 in each component
    of the nodes, and these components."""
    near: dict[int, dict[int, int]] = defaultdict(dict)
    for a, b, s in zip(left.tolist(), right.tolist(), step.tolist(), strict=True):
        near[a][b], near[b][a] = s, -s
    value, group = np.zeros(count, np.int64), np.full(count, -1)
    for root in range(count):
        if group[root] >= 0:
            continue
        group[root] = root
        todo = [root]
        while todo:
            node = todo.pop()
            for other, s in near[node].items():
                if group[other] < 0:
                    group[other], value[other] = root, value[node] + s
                    todo.append(other)
    return value, np.unique(group, return_inverse=True)[1].reshape(-1)
