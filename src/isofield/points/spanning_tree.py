"""Consistent orientation along a minimum spanning tree, and the signs of connected pieces.

A tree over the neighbour graph hands the sign of a normal from point to point (Hoppe et al. 1992). Its edges are
weighted so that those that leave the tangent planes, across a thin wall or around a sharp edge, come last. What the
tree cannot know is the sign of a whole piece: that comes from the sensors, or from the volume that it encloses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from isofield.kdtree import KDTree, nearest
from isofield.points.enclosure import enclosure, winding_number

LEAST, FAR = 1e-3, 0.3
"""Cost of an edge between equal normals, and what a pull of zero adds to it."""
ENCLOSES = 0.1
"""A piece encloses something where the mean winding number on its two sides exceeds this; a closed one has 1/2."""
WITHIN = 0.5
"""A piece lies in a solid where the winding number of the larger pieces exceeds this."""
FEWEST, PIECES = 100, 64
"""Pieces of at least this many points, and at most this number of pieces, get signs of their own; the others follow the
nearest of them."""
SAMPLE = 4000
"""Points of a piece at which the winding number is taken."""
FACING = 0.05
"""A sensor decides on the sign of a normal if the cosine between the normal and its ray is at least this."""
LEVEL = 0.2
"""An open piece looks upward if the mean of its normals has a vertical component of at least this."""


@dataclass(frozen=True)
class Tree:
    """Signs handed along the tree.

    signs: (n,) +1 or -1, consistent within each piece. piece: (n,) numbers of the connected pieces. conflict: (n,)
    share of the pull of a point's neighbours that is against their signs.
    """

    signs: np.ndarray
    piece: np.ndarray
    conflict: np.ndarray

    @property
    def energy(self) -> float:
        """The mean conflict: small where the signs fit together."""
        return float(self.conflict.mean())


def spanning_tree(normals: np.ndarray, index: np.ndarray, pull: np.ndarray) -> Tree:
    """Signs of normals (n, 3) along a minimum spanning tree of the neighbour graph.

    index: (n, k) neighbours of each point without itself. pull: (n, k) how strongly a neighbour's normal agrees, as
    `orientation.agreement` gives it. The cost of an edge is 1 - |n_i . n_j| and less than `FAR` for a weak pull.
    """
    count, k = index.shape
    rows, columns = np.repeat(np.arange(count), k), index.ravel()
    alike = np.einsum("nkd,nd->nk", normals[index], normals)
    strength = np.abs(pull)
    relative = strength / np.maximum(strength.max(1, keepdims=True), 1e-30)
    cost = (1 - np.abs(alike) + LEAST + FAR * (1 - relative)).clip(LEAST).ravel()
    graph = coo_matrix((cost, (rows, columns)), (count, count)).tocsr()
    graph = graph.maximum(graph.T)
    pieces, piece = connected_components(graph, directed=False)
    # One tree for all pieces: a root that is joined to a point of each by an edge that costs more than any other.
    first = np.unique(piece, return_index=True)[1]
    tree = minimum_spanning_tree(graph).tocoo()
    row = np.r_[tree.row, first]
    column = np.r_[tree.col, np.full(pieces, count)]
    joined = coo_matrix((np.ones(len(row)), (row, column)), (count + 1, count + 1)).tocsr()
    _, parent = breadth_first_order(joined, count, directed=False)
    signs = _handed(normals, parent, count)
    return Tree(signs, piece, conflict(pull, signs, index))


def conflict(pull: np.ndarray, signs: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(n,) the share of the pull of each point's neighbours, (n, k) with rows (n, k), that is against signs (n,)."""
    against = np.maximum(-pull * signs[:, None] * signs[index], 0).sum(1)
    share: np.ndarray = against / np.maximum(np.abs(pull).sum(1), 1e-30)
    return share


def _handed(normals: np.ndarray, parent: np.ndarray, root: int) -> np.ndarray:
    """(n,) signs: each point's from its parent's; children of the root are +1.

    A sign is a product along the way to the root; each round doubles how far the products reach.
    """
    count = len(normals)
    up = np.where(parent[:count] == root, np.arange(count), parent[:count])  # roots of pieces point at themselves
    sign = np.where(np.einsum("nd,nd->n", normals, normals[up]) < 0, -1.0, 1.0)
    while not np.array_equal(further := up[up], up):
        sign, up = sign * sign[up], further
    return sign


def sensor_votes(points: np.ndarray, normals: np.ndarray, sensors: np.ndarray) -> np.ndarray:
    """(n,) in [-1, 1]: cosine between each normal and the direction to the sensor; 0 where the sensor is not known, or
    sees the surface too flatly to tell.

    points, normals: (n, 3). sensors: (n, 3), NaN where unknown.
    """
    toward = sensors - points
    cosine = np.einsum("nd,nd->n", normals, toward) / np.maximum(np.linalg.norm(toward, axis=1), 1e-300)
    return np.where(np.isfinite(cosine) & (np.abs(cosine) >= FACING), cosine, 0.0)


def piece_signs(
    points: np.ndarray, normals: np.ndarray, areas: np.ndarray, piece: np.ndarray, votes: np.ndarray | None = None
) -> np.ndarray:
    """(n,) +1 or -1 for each point's piece, (n,) numbers, whose normals (n, 3) are consistent up to one sign.

    votes: (n,) for the unsigned normals times their signs, 0 for none, as `sensor_votes` gives them, or None. A piece
    takes the sign of its votes. Without votes, a piece that encloses something looks outward, or inward where it lies
    in the solid of a larger one; an open piece looks upward, or away from the middle of the points.
    """
    size = np.bincount(piece)
    own = [number for number in np.argsort(-size, kind="stable")[:PIECES] if size[number] >= min(FEWEST, size.max())]
    sign = np.zeros(len(size))
    done = np.zeros(len(points), bool)
    for number in own:
        at = np.flatnonzero(piece == number)
        sign[number] = _piece_sign(points, normals, areas, at, done, sign[piece], votes)
        done[at] = True
    left = np.flatnonzero(~done)
    result = sign[piece]
    if len(left):
        _, closest = nearest(KDTree(points[done]), points[left])
        agree = np.einsum("nd,nd->n", normals[left], normals[done][closest]) * result[done][closest]
        follow = np.bincount(piece[left], agree, len(size))
        result[left] = np.where(follow[piece[left]] < 0, -1.0, 1.0)
    return result


def _piece_sign(
    points: np.ndarray, normals: np.ndarray, areas: np.ndarray, at: np.ndarray, done: np.ndarray, signs: np.ndarray,
    votes: np.ndarray | None,
) -> float:  # fmt: skip
    """The sign of the piece of points `at` (m,). done: (n,) bool, the larger pieces, which have `signs` (n,)."""
    if votes is not None and (votes[at] != 0).any():
        return -1.0 if votes[at].sum() < 0 else 1.0
    some = at[:: max(1, len(at) // SAMPLE)]
    part = np.searchsorted(at, some)
    inside = float(enclosure(points[at], normals[at], areas[at], part).mean())
    if abs(inside) > ENCLOSES:
        outward = np.sign(inside)
        if done.any():
            around = winding_number(points[done], (normals * signs[:, None])[done], areas[done])(points[some])
            outward = -outward if np.median(around) > WITHIN else outward
        return float(outward)
    mean = normals[at].mean(0)
    if abs(mean[2]) > LEVEL:
        return float(np.sign(mean[2]))
    away = np.einsum("nd,nd->n", normals[at], points[at] - points.mean(0)).sum()
    return -1.0 if away < 0 else 1.0
