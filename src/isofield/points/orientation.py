"""Consistent orientation of normals over the graph of neighbours.

A minimum spanning tree hands the sign of a normal from point to point (Hoppe et al. 1992). Its edges are weighted so
that those that leave the tangent planes, across a thin wall or around a sharp edge, come last. What the tree cannot
know is the sign of a whole piece: that comes from the sensors, or from the volume that it encloses. Votes for the signs
of all points, from the tree or from the winding number (`winding_orientation`), become consistent by a relaxation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from isofield.kdtree import KDTree, nearest
from isofield.points.enclosure import enclosure, winding_number
from isofield.topology import components

LEAST, FAR = 1e-3, 0.3
"""Cost of an edge between equal normals, and what a pull of zero adds to it."""
ENCLOSES = 0.1
"""A piece encloses something where the mean winding number on its two sides exceeds this; a closed one has 1/2."""
WITHIN = 0.5
"""A piece lies in a solid where the winding number of the larger pieces exceeds this."""
CLOSED, WEAK, MANY_WEAK = 0.35, 0.02, 3
"""A part is closed where that mean is at least the first. Parts end at points with at least the third number of
neighbours that pull by less than the second."""
FEWEST, PIECES = 100, 64
"""Pieces of at least this many points, and at most this number of pieces, get signs of their own; the others follow the
nearest of them."""
SAMPLE = 4000
"""Points of a piece at which the winding number is taken."""
FACING = 0.05
"""A sensor decides on the sign of a normal if the cosine between the normal and its ray is at least this."""
LEVEL = 0.2
"""An open piece looks upward if the mean of its normals has a vertical component of at least this."""
AGREEMENT = 0.8
"""Above this mean product of the given and the estimated signs, the given ones may be right where they differ."""
PATCHES, CONFLICT, BORDER = 50, 0.5, 0.1
"""Rounds of flipping patches; the fraction of a border's weight that must disagree for a flip; and the least weight of
a border, relative to the square root of the number of points in the patch (a compact patch has about twice that)."""


def agreement(points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(n, 12) how strongly a point's normal agrees with those of its 12 nearest neighbours; negative: they disagree.

    The product of the two normals, weighted down if the edge between the points leaves the tangent planes (across a
    thin wall or a sharp edge) and with its length; the absolute values of a row sum to 1.
    """
    near, far = index[:, 1:13], distance[:, 1:13]
    edge = points[near] - points[:, None]  # (n, 12, 3)
    edge /= np.maximum(far, 1e-30)[..., None]
    leaves = [np.abs(np.einsum("nkd,nd->nk", edge, normals)), np.abs(np.einsum("nkd,nkd->nk", edge, normals[near]))]
    flat = np.maximum(0, 1 - 1.3 * np.maximum(*leaves))
    sixth = np.maximum(distance[:, 6:7], 1e-30)
    weight = np.einsum("nkd,nd->nk", normals[near], normals) * flat * np.exp(-((far / sixth) ** 2) / 2)
    return weight / np.maximum(np.abs(weight).sum(1, keepdims=True), 1e-30)


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
    `agreement` gives it. The cost of an edge is 1 - |n_i . n_j| and less than `FAR` for a weak pull.
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
    """(n,) in [-1, 1]: cosine between each normal and the direction to the sensor; 0 where the sensor is not given, or
    sees the surface at too flat an angle.

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
    own.sort(key=lambda number: float(np.linalg.norm(np.ptp(points[piece == number], axis=0))), reverse=True)
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


def closed_parts_outward(
    points: np.ndarray, normals: np.ndarray, areas: np.ndarray, near: np.ndarray, pull: np.ndarray
) -> np.ndarray:
    """(n,) -1 for points (n, 3) on closed parts of an open scene whose normals (n, 3) look inward, +1 for the others.

    A part is what neighbours whose normals agree connect, without the points at its ends: across a gap, such as that
    below an object that nearly touches another, the tree passes the wrong sign. near, pull: (n, 12) as in
    `propagate_signs`. Parts that lie in the solid of the others stay.
    """
    signs = np.ones(len(points))
    sound = np.flatnonzero((pull <= WEAK).sum(1) < MANY_WEAK)
    if not len(sound):
        return signs
    row = np.full(len(points), -1)
    row[sound] = np.arange(len(sound))
    left, right = np.repeat(row[sound], near.shape[1]), row[near[sound]].ravel()
    agree = (pull[sound].ravel() > WEAK) & (right >= 0)
    part = components(len(sound), left[agree], right[agree])[nearest(KDTree(points[sound]), points)[1]]
    size = np.bincount(part)
    for number in np.argsort(-size, kind="stable")[:PIECES]:
        own = part == number
        if not FEWEST <= size[number] < len(points):
            continue
        at = np.flatnonzero(own)
        some = at[:: max(1, len(at) // SAMPLE)]
        if enclosure(points[at], normals[at], areas[at], np.searchsorted(at, some)).mean() > -CLOSED:
            continue
        around = winding_number(points[~own], normals[~own], areas[~own])(points[some])
        if np.median(around) < WITHIN:
            signs[at] = -1.0
    return signs


def propagate_signs(near: np.ndarray, pull: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """(n,) +1 or -1 for normals: votes (n,) made consistent over the neighbour graph.

    near, pull: (n, 12) neighbours, and how strongly their normals agree, as `agreement` gives it.
    """
    start = np.arange(0, near.size + 1, near.shape[1])
    graph = csr_matrix((pull.ravel(), near.ravel(), start), shape=(len(near), len(near)))
    signs = votes
    for _ in range(30):
        signs = np.tanh(2 * (graph @ signs + 0.3 * votes))
    return flip_patches(np.where(signs < 0, -1.0, 1.0), near, pull)


def flip_patches(signs: np.ndarray, near: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """signs (n,) after flipping patches that disagree with their surroundings along most of their border.

    near, weight: (n, 12) neighbours and the weights of `agreement`. A patch is a connected set of points whose
    neighbours agree. A smooth surface has no such border, however confident the votes inside were. The smaller one of
    two adjacent patches is flipped, so that a few points do not flip a whole body. A patch with a short border, such as
    a body that a few noisy edges connect with another, stays.
    """
    rows = np.repeat(np.arange(len(signs)), near.shape[1])
    columns, weights = near.ravel(), weight.ravel()
    for _ in range(PATCHES):
        signed = weights * signs[rows] * signs[columns]
        agree = signed > 0
        part = components(len(signs), rows[agree], columns[agree])
        count = int(part.max()) + 1
        across = part[rows] != part[columns]
        if count == 1 or not across.any():
            break
        a, b = part[rows[across]], part[columns[across]]
        against = np.bincount(a, -signed[across], count) + np.bincount(b, -signed[across], count)
        border = np.bincount(a, np.abs(signed[across]), count) + np.bincount(b, np.abs(signed[across]), count)
        size = np.bincount(part, minlength=count)
        long = border > BORDER * np.sqrt(size)
        turn = (against > CONFLICT * border) & long & (size < len(signs) / 2)
        if not turn.any():
            break
        # Adjacent patches are not flipped together, so that every flip lowers the disagreement.
        both = turn[a] & turn[b]
        larger = np.where((size[a] > size[b]) | ((size[a] == size[b]) & (a > b)), a, b)
        turn[larger[both]] = False
        signs = np.where(turn[part], -signs, signs)
    return signs


def keep_given_orientation(near: np.ndarray, pull: np.ndarray, signs: np.ndarray) -> np.ndarray | None:
    """(n,) one common sign for normals that came with the points, if their orientation is consistent, else None.

    It is consistent if nearly all of the estimated signs (n,) are equal (all +1: keep; all -1: flip all) and neighbours
    agree as well with the given orientation as with the estimated one. near, pull: as in `propagate_signs`.
    """
    mean = float(signs.mean())
    if abs(mean) < AGREEMENT:
        return None
    estimated = float((pull * signs[:, None] * signs[near]).sum())
    return np.full(len(signs), np.sign(mean)) if float(pull.sum()) >= 0.995 * estimated else None
