"""How points repeat and how faces meet: the counts that reading and `info` rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def distinct(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different places among points (n, 3), compared exactly; points with a NaN differ from all others.

    Returns first (m,): the first point at each place, in their order; inverse (n,): the place of each point.
    """
    points = np.asarray(points, np.float64) + 0.0  # minus zero is zero
    order = np.lexsort(points.T[::-1])
    ranked = points[order]
    new = np.ones(len(points), bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    group = np.cumsum(new) - 1
    first_of_group = order[new]  # lexsort is stable: the first of its place
    rank = np.argsort(first_of_group, kind="stable")
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    inverse = np.empty(len(points), np.int64)
    inverse[order] = place[group]
    return first_of_group[rank], inverse


@dataclass(frozen=True)
class Edges:
    """How the faces of a mesh meet at its edges.

    ends: (e, 2) the two vertices of every edge, the smaller first. faces: (e,) how many faces meet there. turns: (e,)
    how often it is walked upward less how often downward: 0 where two faces agree on the side.
    """

    ends: np.ndarray
    faces: np.ndarray
    turns: np.ndarray


def edges(faces: np.ndarray, vertices: int) -> Edges:
    """The edges of triangles (m, 3) over this many vertices; degenerate edges (a vertex with itself) are left out."""
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    ends = ends[ends[:, 0] != ends[:, 1]]
    up = np.where(ends[:, 0] < ends[:, 1], 1, -1)
    key = ends.min(axis=1) * vertices + ends.max(axis=1)
    order = np.argsort(key, kind="stable")
    key, up = key[order], up[order]
    start = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    count = np.diff(np.r_[start, len(key)])
    turns = np.add.reduceat(up, start) if len(key) else np.empty(0, np.int64)
    key = key[start]
    return Edges(np.stack([key // vertices, key % vertices], axis=1), count, turns)


def parts(ends: np.ndarray, vertices: int) -> int:
    """Connected parts of the graph of edges (e, 2), vertices without an edge not counted."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(ends):
        return 0
    used, local = np.unique(ends, return_inverse=True)
    local = local.reshape(-1, 2)
    graph = coo_array((np.ones(len(local), np.int8), (local[:, 0], local[:, 1])), (len(used), len(used)))
    return int(connected_components(graph, directed=False)[0])


def degenerate(vertices: np.ndarray, faces: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
    """(m,) bool: triangles without area: a corner twice, or a height below `tolerance` of the longest side.

    Units and place do not matter: corners are compared with each other only. Non-finite triangles are degenerate.
    """
    corners = vertices[faces]
    sides = corners[:, [1, 2, 0]] - corners
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        longest = np.abs(sides).max(axis=(1, 2))
        sides = sides / longest[:, None, None]  # so that squares neither overflow nor vanish
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
        return ~(area > tolerance)
