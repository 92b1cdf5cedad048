"""What a triangle list says about its own shape: edges, fans around vertices, connected parts. Vectorised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

DEGENERATE = 1e-12
"""A face with an area of at most this times its longest edge squared counts as degenerate."""


@dataclass(frozen=True)
class Edges:
    """The half-edges of faces, grouped by the edge they lie on. Half-edge 3 f + c runs from corner c of face f onward.

    order: (3 f,) half-edges, those of one edge together; start: (e,) where each edge begins in `order`; count: (e,)
    half-edges of each edge; forward: (3 f,) in `order`: runs from the smaller vertex to the larger.
    """

    order: np.ndarray
    start: np.ndarray
    count: np.ndarray
    forward: np.ndarray

    def pairs(self) -> np.ndarray:
        """(p, 2) half-edges that are alone with each other on their edge."""
        first = self.start[self.count == 2]
        return np.stack([self.order[first], self.order[first + 1]], axis=1)

    def consistent(self) -> bool:
        """Whether each edge is run through as often one way as the other."""
        return bool((2 * np.add.reduceat(self.forward.astype(np.int64), self.start) == self.count).all())


def edges_of(faces: np.ndarray) -> Edges:
    """The edges of (f, 3) faces, f > 0."""
    tail = faces.ravel()
    head = faces[:, [1, 2, 0]].ravel()
    forward = tail < head
    key = np.where(forward, tail, head) * (int(faces.max()) + 1) + np.where(forward, head, tail)
    order = np.argsort(key, kind="stable")
    key = key[order]
    start = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    return Edges(order, start, np.diff(np.append(start, len(key))), forward[order])


def fans(faces: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(3 f,) number of the fan of each corner: corners of one vertex that `pairs` of half-edges connect."""
    tail = faces.ravel()
    one, two = pairs.T
    after = [3 * (half // 3) + (half + 1) % 3 for half in (one, two)]
    # The ends meet crosswise if the half-edges run against each other, else straight.
    cross = tail[one] == tail[after[1]]
    left = np.concatenate([one, after[0]])
    right = np.concatenate([np.where(cross, after[1], two), np.where(cross, two, after[1])])
    return _components(len(tail), left, right)


def parts(vertex_count: int, faces: np.ndarray) -> np.ndarray:
    """(f,) number of the connected part that each face belongs to; parts that share a vertex are one."""
    left = np.concatenate([faces[:, 0], faces[:, 1]])
    right = np.concatenate([faces[:, 1], faces[:, 2]])
    label = _components(vertex_count, left, right)[faces[:, 0]]
    used = np.zeros(label.max() + 1, np.int64)
    used[label] = 1
    return (np.cumsum(used) - 1)[label]


def _components(count: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def degenerate(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(f,) bool: faces that use a vertex twice or whose area is nothing beside their longest edge."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    u, v, w = b - a, c - b, a - c
    longest = np.maximum.reduce([np.einsum("ij,ij->i", edge, edge) for edge in (u, v, w)])
    area = np.linalg.norm(np.cross(u, v), axis=1)
    return 0.5 * area <= DEGENERATE * longest


def volumes(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(p,) signed volume of each part; positive if it faces outward. part: (f,) from `parts`."""
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
    """(p,) bool: parts that face inward though no outward one surrounds them, by their boxes.

    An inward part within an outward one is the wall of a cavity, and right.
    """
    wrong = np.zeros(len(volume), bool)
    solid = volume > 0
    for one in np.flatnonzero(~solid):
        around = (lower[solid] <= lower[one]).all(axis=1) & (upper[solid] >= upper[one]).all(axis=1)
        wrong[one] = not (around & (volume[solid] > -volume[one])).any()
    return wrong
