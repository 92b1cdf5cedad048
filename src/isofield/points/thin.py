"""Orientation of clouds whose points lie on two near sheets: plates, shells and cups with few points.

Where the sheets are nearer to each other than the points of one of them are, neither a winding number of the points nor
a spanning tree over neighbouring points tells the sheets apart. Here each neighbourhood is split into two parallel
sheets first (`local_pca.split_sheets`); points of one sheet then have the same orientation, points of different sheets
the opposite one, and a minimum spanning tree over the clearest of these relations (Hoppe et al. 1992) gives the signs.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, triu
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from isofield.points.local_pca import Neighbourhoods, has_two_sheets, second_sheet, split_sheets
from isofield.rows import evenly

SIZES = ((24, 1.0), (16, 1.25))
"""Sizes of the neighbourhoods that are split, and the factor of their ratios: fewer points are fitted too easily."""
SHARE = 0.5
"""The cloud is thin if at least this share of its points has a second sheet beside it."""
TRIED, LIKELY = 3000, 0.7
"""This number of points are split first, and the rest only if at least this share of them has a second sheet."""
CONFLICT = 0.06
"""The signs are used if at most this share of the weight of the relations contradicts them."""
EDGES = 12
"""Neighbours of a point in the graph."""
ROUNDS = 30
"""Rounds of the relaxation after the tree."""


def sheet_normals(points: np.ndarray, near: Neighbourhoods) -> np.ndarray | None:
    """(n, 3) outward normals of points (n, 3) around the origin, or None where most have no second sheet beside them,
    or the relations between neighbours contradict each other."""
    if near.index.shape[1] < SIZES[0][0]:
        return None
    chosen = evenly(len(points), TRIED)
    if second_sheet(points, near.index[chosen], near.normals[chosen], chosen).any(1).mean() < LIKELY:
        return None
    normals, position, ratio = _splits(points, near)
    two = has_two_sheets(ratio, near.index[:, :20])
    if two.mean() < SHARE:
        return None
    first, second, relation = _relations(near, position, two)
    aligned = np.einsum("nd,nd->n", normals[first], normals[second])
    length = np.linalg.norm(points[second] - points[first], axis=1) / np.median(near.distance[:, 6])
    cost = 1.501 - np.abs(aligned) - 0.5 * np.abs(relation) + 0.1 * (length + np.maximum(ratio[first], ratio[second]))
    turned = np.where(aligned * relation < 0, -1.0, 1.0)
    signs, piece = _tree_signs(first, second, cost, turned, len(points))
    pull = np.abs(relation) * turned
    if np.abs(pull)[turned != signs[first] * signs[second]].sum() > CONFLICT * np.abs(pull).sum():
        return None
    signs = _relaxed(first, second, pull * np.exp(-np.square(length) / 2), signs)
    outward = normals * signs[:, None]
    areas = np.square(near.distance[:, 10])
    volume = np.bincount(piece, areas * np.einsum("nd,nd->n", points, outward))
    return outward * np.where(volume < 0, -1.0, 1.0)[piece][:, None]


def _splits(points: np.ndarray, near: Neighbourhoods) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unsigned normals (n, 3), positions (n, EDGES) and ratios (n,) of the best split around each point.

    Each split starts from a normal; where it failed, it starts again from that of the neighbour with the best one.
    """
    n = len(points)
    normals, position, ratio = near.normals.copy(), np.zeros((n, EDGES)), np.full(n, np.inf)

    def tried(start: np.ndarray, size: int, factor: float) -> None:
        split = split_sheets(points, near.index[:, :size], start)
        better = factor * split.ratio < ratio
        normals[better], ratio[better] = split.normals[better], factor * split.ratio[better]
        position[better] = split.position[better, 1 : EDGES + 1]

    for size, factor in SIZES:
        tried(near.normals, size, factor)
        tried(normals.copy(), size, factor)
    for _ in range(2):
        best = near.index[np.arange(n), 1 + ratio[near.index[:, 1 : EDGES + 1]].argmin(1)]
        for size, factor in SIZES:
            tried(normals[best], size, factor)
    return normals, position, ratio


def _relations(
    near: Neighbourhoods, position: np.ndarray, two: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of neighbours, (m,) and (m,), and whether they lie on the same sheet: (m,) 1 yes, -1 no, 0 not clear."""
    n = len(position)
    other = (position > 0.5) & two[:, None]
    clear = 1 - 2 * np.minimum(np.minimum(position, np.abs(position - 1)), 0.5)
    rows, columns = np.repeat(np.arange(n), EDGES), near.index[:, 1 : EDGES + 1].ravel()
    ones = csr_matrix((np.ones(n * EDGES), (rows, columns)), shape=(n, n))
    label = csr_matrix((np.where(other, -clear, clear).ravel(), (rows, columns)), shape=(n, n))
    count = triu(ones + ones.T, 1).tocoo()
    total = np.asarray((label + label.T)[count.row, count.col]).ravel()
    return count.row, count.col, total / count.data


def _tree_signs(
    first: np.ndarray, second: np.ndarray, cost: np.ndarray, turned: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Signs (n,) along the minimum spanning tree of the pairs, and the piece (n,) that each point belongs to."""
    tree = minimum_spanning_tree(csr_matrix((cost, (first, second)), shape=(n, n)))
    pieces, piece = connected_components(tree, directed=False)
    relation = csr_matrix((turned, (first, second)), shape=(n, n))
    relation = relation + relation.T
    signs = np.ones(n)
    for root in np.unique(piece, return_index=True)[1][:pieces]:
        order, parents = breadth_first_order(tree, root, directed=False)
        steps = np.asarray(relation[order[1:], parents[order[1:]]]).ravel()
        for point, parent, step in zip(order[1:], parents[order[1:]], steps, strict=True):
            signs[point] = signs[parent] * step
    return signs, piece


def _relaxed(first: np.ndarray, second: np.ndarray, pull: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Signs (n,) after some rounds in which each point follows its neighbours' pull."""
    n = len(signs)
    weight = csr_matrix((pull, (first, second)), shape=(n, n))
    weight = weight + weight.T
    total = np.maximum(np.asarray(abs(weight).sum(1)).ravel(), 1e-300)
    field = signs
    for _ in range(ROUNDS):
        field = np.tanh(2 * (weight @ field / total + 0.15 * signs))
    return np.where(field < 0, -1.0, 1.0)
