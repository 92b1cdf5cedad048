"""A closed surface opened where nothing was observed: cut along a smooth iso-line, small holes left closed.

The line gap(x) = limit is extracted from the mesh as marching triangles extract it (the two-dimensional counterpart of
marching cubes, Lorensen and Cline 1987). Vertices near the line are moved onto it first, so that no sliver is cut off
(Labelle and Shewchuk, "Isosurface Stuffing", 2007), and the border is smoothed along itself without shrinking (Taubin,
"A signal processing approach to fair surface design", 1995).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from isofield import topology
from isofield.solids.slivers import compact
from isofield.solids.triangles import closest_on

FARTHEST = 2.0
"""Gaps beyond this many limits count as that many: only the neighbourhood of the limit decides."""
ROUNDS = 200
"""At most this many rounds smooth the gap."""
SNAP = 0.3
"""A vertex moves onto the line if the line crosses one of its edges within this fraction of the edge."""
BORDER_ROUNDS = 10
SHRINK, GROW = 0.5, -0.53
"""Steps of Taubin's smoothing."""
TURN = 0.5
"""Smoothing never turns the normal of a face by more than the angle of this cosine."""
LEAST_HEIGHT = 0.05
"""Nor does it flatten a face below this ratio of height to longest edge, unless it was flatter before."""
ISLAND = 4.0
"""A piece is dropped if its area is below this many discs of the radius of its reach: a few points make no surface."""


def opened(
    vertices: np.ndarray, faces: np.ndarray, gap: np.ndarray, limit: float, reach: np.ndarray, close: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) and faces (f, 3) of the part of a surface where gap <= limit, with a smooth border.

    vertices (v, 3), faces (f, 3). gap: (v,) how far each vertex is from what was observed, in any unit; inf is
    permitted. reach: (v,) the length of the limit at each vertex, in the units of the vertices: holes are measured from
    the observed points, and the gap is smoothed over a third of it. close: (v,) holes whose largest extent is at most
    this, in the mean around their rim (units of the vertices), stay closed.

    Where the gap is nowhere beyond the limit, the surface is returned as it is. Nothing is left where it is everywhere.
    """
    faces = np.asarray(faces, np.int64)
    if not len(faces):
        return vertices, faces
    edges = topology.edges_of(faces).ends
    smooth = _smoothed(np.minimum(gap, FARTHEST * limit), vertices, edges, reach / 3)
    smooth = _closed_holes(smooth, limit, vertices, edges, reach, close)
    if (smooth <= limit).all():
        return vertices, faces
    points, cut, border_reach = _cut(vertices, faces, edges, smooth - limit, reach)
    points, cut = _without_islands(points, cut, border_reach)
    points, cut = _split_fans(points, cut)
    points = _smoothed_border(points, cut, vertices, faces)
    return points, cut


def _smoothed(values: np.ndarray, vertices: np.ndarray, edges: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Values (v,) smoothed over the mesh with a Gaussian of about the standard deviation `length` (v,).

    A round that moves a value half way to the mean of its neighbours has the variance e^2 / 4 along each axis, where e
    is the length of the edges.
    """
    count = len(vertices)
    sizes = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    edge = float(np.sqrt(np.square(sizes).mean()))
    rounds = np.minimum(np.round(4 * np.square(length / max(edge, 1e-300))), ROUNDS)
    left, right = np.concatenate([edges, edges[:, ::-1]]).T
    neighbours = csr_array((np.ones(len(left)), (left, right)), shape=(count, count))
    share = 1 / np.maximum(np.bincount(left, minlength=count), 1)
    result = values.astype(np.float64)
    for number in range(int(rounds.max(initial=0))):
        moved = result + 0.5 * (share * (neighbours @ result) - result)
        result = np.where(rounds > number, moved, result)
    return result


def _closed_holes(
    gap: np.ndarray, limit: float, vertices: np.ndarray, edges: np.ndarray, reach: np.ndarray, close: np.ndarray
) -> np.ndarray:
    """The gaps (v,) with those of small holes set to the inside of the limit.

    A hole is a connected set of vertices beyond the limit that touches others. The observed points end a reach before
    it on all sides: its size is its largest extent and twice the reach at its rim.
    """
    out = gap > limit
    if not out.any() or out.all():
        return gap
    inner = edges[out[edges].all(1)]
    part = topology.components(len(gap), inner[:, 0], inner[:, 1])
    chosen = np.unique(part[out])
    row = np.searchsorted(chosen, part)  # of vertices in holes
    rim = edges[out[edges].sum(1) == 1]
    hole, kept = np.where(out[rim[:, 0]], rim[:, 0], rim[:, 1]), np.where(out[rim[:, 0]], rim[:, 1], rim[:, 0])
    touching = np.bincount(row[hole], minlength=len(chosen))
    around, size = (
        np.bincount(row[hole], values[kept], len(chosen)) / np.maximum(touching, 1) for values in (reach, close)
    )
    index = np.flatnonzero(out)
    order = index[np.argsort(row[index], kind="stable")]
    first = np.flatnonzero(np.diff(row[order], prepend=-1))
    at = vertices[order] @ DIRECTIONS.T
    extent = (np.maximum.reduceat(at, first) - np.minimum.reduceat(at, first)).max(1)
    small = (touching > 0) & (extent + 2 * around <= size)
    result = gap.copy()
    result[index[small[row[index]]]] = 0.5 * limit
    return result


def _directions() -> np.ndarray:
    steps = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], np.float64)
    half = steps[14:]
    return np.asarray(half / np.linalg.norm(half, axis=1, keepdims=True))


DIRECTIONS = _directions()
"""(13, 3): the extent of a hole is the largest along these."""


def _cut(
    vertices: np.ndarray, faces: np.ndarray, edges: np.ndarray, value: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices and faces of the part where value (v,) <= 0, and the reach at its vertices."""
    mean = value[faces].mean(1)
    crossing = edges[(value[edges[:, 0]] > 0) != (value[edges[:, 1]] > 0)]
    a, b = crossing.T
    t = value[a] / (value[a] - value[b])  # from a to b
    at = vertices[a] + t[:, None] * (vertices[b] - vertices[a])
    near = np.concatenate([a[t < SNAP], b[t > 1 - SNAP]])
    target = np.concatenate([at[t < SNAP], at[t > 1 - SNAP]])
    number = np.bincount(near, minlength=len(vertices))
    snapped = number > 0
    moved = vertices.astype(np.float64).copy()
    sums = np.stack([np.bincount(near, target[:, axis], len(vertices)) for axis in range(3)], 1)
    moved[snapped] = sums[snapped] / number[snapped, None]
    side = np.where(snapped, 0, np.where(value > 0, 1, -1))  # 0 on the line, -1 kept
    corner = side[faces]
    on = (corner == 0).all(1)
    whole = ((corner <= 0).all(1) & ~on) | (on & (mean <= 0))
    split = (corner == 1).any(1) & (corner == -1).any(1)
    # One new vertex on every edge between a kept vertex and a removed one.
    ends = edges[side[edges[:, 0]] * side[edges[:, 1]] == -1]
    if not len(ends):
        points, kept = compact(moved, faces[whole])
        return points, kept, compact(reach[:, None], faces[whole])[0][:, 0]
    size = len(vertices)
    f, g = value[ends[:, 0]], value[ends[:, 1]]
    t = np.clip(f / (f - g), SNAP, 1 - SNAP)[:, None]
    points = np.concatenate([moved, moved[ends[:, 0]] * (1 - t) + moved[ends[:, 1]] * t])
    lengths = np.concatenate([reach, reach[ends].mean(1)])
    keys = ends[:, 0] * size + ends[:, 1]  # sorted, as `ends` is

    def new(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        found = np.searchsorted(keys, np.minimum(p, q) * size + np.maximum(p, q))
        return np.asarray(size + found)

    pieces = [faces[whole]]
    for turn in range(3):
        rolled = np.roll(faces[split], -turn, axis=1)
        p, q, r = rolled.T
        sp, sq, sr = side[p], side[q], side[r]
        one = (sp == -1) & (sq == 1) & (sr == 1)  # a corner is kept
        pieces.append(np.stack([p[one], new(p[one], q[one]), new(p[one], r[one])], 1))
        two = (sp == 1) & (sq == -1) & (sr == -1)  # a corner is removed: a quadrilateral, along its shorter diagonal
        p2, q2, r2 = p[two], q[two], r[two]
        pq, pr = new(p2, q2), new(p2, r2)
        short = np.linalg.norm(points[pq] - points[r2], axis=1) < np.linalg.norm(points[pr] - points[q2], axis=1)
        pieces.append(np.where(short[:, None], np.stack([pq, q2, r2], 1), np.stack([pq, q2, pr], 1)))
        pieces.append(np.where(short[:, None], np.stack([pq, r2, pr], 1), np.stack([q2, r2, pr], 1)))
        ahead = (sp == 0) & (sq == -1) & (sr == 1)  # the line passes through p
        pieces.append(np.stack([p[ahead], q[ahead], new(q[ahead], r[ahead])], 1))
        behind = (sp == 0) & (sq == 1) & (sr == -1)
        pieces.append(np.stack([p[behind], new(q[behind], r[behind]), r[behind]], 1))
    result = np.concatenate(pieces)
    kept_points, kept = compact(points, result)
    return kept_points, kept, compact(lengths[:, None], result)[0][:, 0]


def _without_islands(vertices: np.ndarray, faces: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface without small pieces that have a border."""
    if not len(faces):
        return vertices, faces
    part = topology.parts(faces)
    count = int(part.max()) + 1
    area = np.bincount(part, topology.areas(vertices, faces), count)
    disc = np.pi * np.square(np.bincount(part, reach[faces].mean(1), count) / np.bincount(part, minlength=count))
    edges = topology.edges_of(faces)
    open_ = np.zeros(count, bool)
    open_[part[edges.order[edges.start[edges.count == 1]] // 3]] = True
    drop = open_ & (area < ISLAND * disc)
    drop[area.argmax()] = False
    if not drop.any():
        return vertices, faces
    return compact(vertices, faces[~drop[part]])


def _split_fans(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface with a vertex of its own for each fan of faces: a border never touches itself."""
    if not len(faces):
        return vertices, faces
    fan = topology.fans(faces, topology.edges_of(faces).pairs())
    owner = np.empty(int(fan.max()) + 1, np.int64)
    owner[fan] = faces.ravel()
    return vertices[owner], fan.reshape(-1, 3)


def _smoothed_border(
    vertices: np.ndarray, faces: np.ndarray, onto_vertices: np.ndarray, onto_faces: np.ndarray
) -> np.ndarray:
    """The vertices (v, 3) with the border smoothed along itself, and projected onto the surface that was cut."""
    edges = topology.edges_of(faces)
    ends = edges.ends[edges.count == 1]
    if not len(ends):
        return vertices
    both = np.concatenate([ends, ends[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(vertices))
    border = np.flatnonzero(degree == 2)
    near = faces[np.isin(faces, border).any(1)]
    normals = _normals(vertices, near)
    result = vertices.copy()
    for step in (SHRINK, GROW) * (BORDER_ROUNDS // 2):
        total = np.stack([np.bincount(both[:, 0], result[both[:, 1], axis], len(vertices)) for axis in range(3)], 1)
        result[border] += step * (total[border] / 2 - result[border])
    box = onto_vertices.min(0), float(np.ptp(onto_vertices, axis=0).max()) or 1.0
    around = _near(onto_vertices, onto_faces, result[border])
    closest = closest_on((onto_vertices - box[0]) / box[1], around)
    result[border] = closest((result[border] - box[0]) / box[1])[2] * box[1] + box[0]
    for _ in range(BORDER_ROUNDS):
        after = _normals(result, near)
        flat = _flatness(result, near)
        bad = (np.einsum("ij,ij->i", normals, after) < TURN) | (
            (flat < LEAST_HEIGHT) & (flat < _flatness(vertices, near))
        )
        undone = np.intersect1d(near[bad], border)
        undone = undone[(result[undone] != vertices[undone]).any(1)]
        if not len(undone):
            break
        result[undone] = vertices[undone]
    return result


def _near(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The faces whose boxes overlap the box of the points, for a smaller tree."""
    margin = 0.01 * float(np.ptp(vertices, axis=0).max())
    low, high = points.min(0) - margin, points.max(0) + margin
    corners = vertices[faces]
    near = ((corners.max(1) >= low) & (corners.min(1) <= high)).all(1)
    return np.ascontiguousarray(faces[near] if near.any() else faces)


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(f, 3) unit normals of faces."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300))


def _flatness(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(f,) least height of faces over their longest edge."""
    corners = vertices[faces]
    longest = np.square(corners - corners[:, [1, 2, 0]]).sum(2).max(1)
    return np.asarray(2 * topology.areas(vertices, faces) / np.maximum(longest, 1e-300))
