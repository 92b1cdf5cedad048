"""How points repeat and how the faces of a mesh meet: equal points, edges, connected parts, degenerate faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEGENERATE = 1e-12
"""A face is degenerate if its area is at most this times the square of its longest edge."""

APART = 0.7548776662466927, 0.5698402909980532
"""Factors of y and z in a number that tells points apart: of a lattice's points, too."""


def distinct(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones of points (n, 3), compared exactly; points with a NaN differ from all others.

    Returns first (m,): the index of the first of equal points, in their order; inverse (n,): the row of each point in
    `first`.
    """
    points = np.asarray(points, np.float64) + 0.0  # minus zero is zero
    lead = np.arange(len(points))  # the first of those that equal each
    some = np.flatnonzero(_perhaps_repeated(points))
    order = some[np.lexsort(points[some].T[::-1])]  # stable: the first of equal points comes first
    ranked = points[order]
    new = np.ones(len(order), bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    lead[order] = order[new][np.cumsum(new) - 1]
    leads = lead == np.arange(len(points))
    return np.flatnonzero(leads), (np.cumsum(leads) - 1)[lead]


def _perhaps_repeated(points: np.ndarray) -> np.ndarray:
    """(n,) bool: all of points (n, 3) that equal another one, and few others: one number tells most of them apart."""
    with np.errstate(invalid="ignore", over="ignore"):
        key = points[:, 0] + APART[0] * points[:, 1] + APART[1] * points[:, 2]
    ranked = np.sort(key)
    repeated = ranked[1:][ranked[1:] == ranked[:-1]]
    return holds(repeated, key) | ~np.isfinite(key)


@dataclass(frozen=True)
class Edges:
    """The half-edges of faces, grouped by edge. Half-edge 3 f + c runs from corner c of face f to the next corner.

    ends: (e, 2) vertices of every edge, the smaller first. order: (h,) half-edges, those of one edge together. start:
    (e,) where each edge begins in `order`. count: (e,) half-edges (faces) of each edge. forward: (h,) in `order`,
    whether it runs from the smaller vertex to the larger.
    """

    ends: np.ndarray
    order: np.ndarray
    start: np.ndarray
    count: np.ndarray
    forward: np.ndarray

    def pairs(self) -> np.ndarray:
        """(p, 2) half-edges of the edges with exactly two."""
        first = self.start[self.count == 2]
        return np.stack([self.order[first], self.order[first + 1]], axis=1)

    def balance(self) -> np.ndarray:
        """(e,) half-edges that run forward less those that run backward; 0 where two faces agree in orientation."""
        runs = np.where(self.forward, 1, -1)
        return np.add.reduceat(runs, self.start) if len(runs) else runs


def distinct_keys(keys: np.ndarray) -> np.ndarray:
    """(n,) the distinct values of integer keys of any shape, sorted. A stable sort merges the sorted runs of the
    keys: it is many times faster than the hash table of `np.unique`."""
    keys = np.sort(keys, axis=None, kind="stable")
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def among(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(n,) bool: which of sorted, distinct keys (n,) are among the wanted ones, of any shape."""
    wanted = distinct_keys(wanted)
    row = np.searchsorted(keys, wanted)
    row = row[row < len(keys)]
    result = np.zeros(len(keys), bool)
    result[row[keys[row] == wanted[: len(row)]]] = True
    return result


def holds(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(m,) bool: which of the wanted keys (m,) are among sorted keys (n,); fastest where they are sorted, too."""
    if not len(keys):
        return np.zeros(len(wanted), bool)
    row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[row] == wanted


def edges_of(faces: np.ndarray) -> Edges:
    """The edges of triangles (f, 3), without those from a vertex to itself."""
    tail, head = faces.reshape(-1).astype(np.int64), faces[:, [1, 2, 0]].reshape(-1)
    half = np.flatnonzero(tail != head)
    tail, head = tail[half], head[half]
    count = int(faces.max(initial=0)) + 1
    key = np.minimum(tail, head) * count + np.maximum(tail, head)
    order = np.argsort(key, kind="stable")
    key = key[order]
    start = np.flatnonzero(np.diff(key, prepend=-1))
    ends = np.stack(np.divmod(key[start], count), axis=1)
    return Edges(ends, half[order], start, np.diff(np.append(start, len(key))), (tail < head)[order])


def components(count: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(count,) number of the component of each node of an undirected graph, whose edges are left (e,) to right (e,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not count:
        return np.empty(0, np.int64)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def fans(faces: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(3 f,) number of the fan of each corner: corners of one vertex that `pairs` (p, 2) of half-edges connect."""
    tail = faces.ravel()
    one, two = pairs.T
    after = [3 * (half // 3) + (half + 1) % 3 for half in (one, two)]
    # The ends meet crosswise if the half-edges run against each other, else straight.
    cross = tail[one] == tail[after[1]]
    left = np.concatenate([one, after[0]])
    right = np.concatenate([np.where(cross, after[1], two), np.where(cross, two, after[1])])
    return components(len(tail), left, right)


def parts(faces: np.ndarray) -> np.ndarray:
    """(f,) number of the connected part of each face; parts that share a vertex are one."""
    left, right = faces[:, :2].T.reshape(-1), faces[:, 1:].T.reshape(-1)
    label = components(int(faces.max(initial=-1)) + 1, left, right)[faces[:, 0]]
    return np.unique(label, return_inverse=True)[1].reshape(-1)


def proper(faces: np.ndarray) -> np.ndarray:
    """The faces with three different vertices."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


def cancelled(faces: np.ndarray) -> np.ndarray:
    """One of the faces with the same three vertices, or none where both windings are equally frequent."""
    if not len(faces):
        return faces
    low = faces.argmin(axis=1)
    rows = np.arange(len(faces))
    second, third = faces[rows, (low + 1) % 3], faces[rows, (low + 2) % 3]
    sign = np.where(second < third, 1, -1)
    _, at, count = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True, return_counts=True)
    at = at.reshape(-1)
    if (count == 1).all():
        return faces
    net = np.bincount(at, sign)
    wanted = sign == np.sign(net)[at]
    _, first = np.unique(at[wanted], return_index=True)
    return faces[np.sort(np.flatnonzero(wanted)[first])]


def degenerate(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(f,) bool: faces with a vertex twice, without area beside their longest edge, or with non-finite corners.

    Neither the unit nor the position of the mesh matters.
    """
    corners = vertices[faces]
    edges = corners[:, [1, 2, 0]] - corners
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        edges = edges / np.abs(edges).max(axis=(1, 2))[:, None, None]  # squares neither overflow nor underflow
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
        return ~(area > DEGENERATE * np.square(edges).sum(axis=2).max(axis=1))


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(f,) areas of faces (f, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def volumes(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(p,) signed volume of each part, positive if it faces outward. part: (f,) from `parts`."""
    centre = vertices[faces[0, 0]]
    a, b, c = (vertices[faces[:, corner]] - centre for corner in range(3))
    return np.bincount(part, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)


def boxes(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p, 3) lower and (p, 3) upper corners of each part's bounding box."""
    order = np.argsort(part, kind="stable")
    start = np.flatnonzero(np.diff(part[order], prepend=-1))
    corners = vertices[faces[order]]
    return np.minimum.reduceat(corners.min(axis=1), start), np.maximum.reduceat(corners.max(axis=1), start)


def misplaced(volume: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(p,) bool: parts that face inward though no outward part surrounds them, by their boxes.

    An inward part within an outward one is the wall of a cavity, which is correct.
    """
    wrong = np.zeros(len(volume), bool)
    solid = volume > 0
    for one in np.flatnonzero(~solid):
        around = (lower[solid] <= lower[one]).all(axis=1) & (upper[solid] >= upper[one]).all(axis=1)
        wrong[one] = not (around & (volume[solid] > -volume[one])).any()
    return wrong
