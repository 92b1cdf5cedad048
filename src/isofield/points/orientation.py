"""Consistent orientation of normals: the winding number votes, the neighbour graph removes errors."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from isofield.kdtree import KDTree, nearest
from isofield.topology import components

SUBSET = 6000
"""Points that are oriented together; every pair of them counts, so time grows with the square."""
FINER, FINER_NOISE = 30_000, 0.6
"""The larger subset that is oriented in clusters: at most this many points, and few enough that the noise stays below
this fraction of their spacing. In a thick layer of points the winding number is not 1/2."""
SHARE = 64
"""Neighbours from which the density of the smaller subset in the larger one is estimated."""
CORRECTING = 10, 3, 6
"""Rounds that correct signs, nearly all right already; with clusters, how often their far field is computed, and
the rounds with each."""
WIDTHS = (0.03, 0.008, 0.004, 0.02)
"""Smoothing width of the winding kernel in the first round, in the first round with clusters, in the last rounds of
both, and in the first round with clusters that corrects signs, in units of the longest side of the bounding box."""
NOISE_WIDTH = 1.5
"""The widths are at least this many times the noise: below it the field follows single points."""
AGREEMENT = 0.8
"""Above this mean product of the given and the estimated signs, the given ones may be right where they differ."""
PATCHES, CONFLICT, BORDER = 50, 0.5, 0.1
"""Rounds of flipping patches; the fraction of a border's weight that must disagree for a flip; and the least weight of
a border, relative to the square root of the number of points in the patch (a compact patch has about twice that)."""
HARD = 1.5
"""How much more likely a point is to enter the subset if the normals around it scatter as much as on average."""


def winding_votes(
    points: np.ndarray,
    normals: np.ndarray,
    neighbours: np.ndarray,
    areas: np.ndarray,
    noise: float,
    seed: int = 0,
    subset: int = SUBSET,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """(n,) in [-1, 1]: whether each normal (n, 3) points outward, with its confidence.

    points: (n, 3), in a box around the origin with longest side 1. neighbours: (n, k) indices. areas: (n,) of the
    surface around each point. noise: standard deviation of the points off the surface. subset: size of a random
    subset, denser where normals scatter (thin parts, edges), whose outward directions come from all pairs; those of a
    larger subset come from clusters. Each normal is compared with the five nearest directions. start: (n,) +1 or -1,
    signs that are right at nearly all points; then a few rounds correct them, in clusters where there are many points.
    """
    from isofield.points.winding_orientation import clustered_normals, consistent_normals

    scatter = 1 - np.abs(np.einsum("nkd,nd->nk", normals[neighbours], normals)).mean(1)
    scatter = scatter[neighbours].mean(1)
    chance = 1 + HARD * scatter / max(float(scatter.mean()), 1e-9)
    keys = np.random.default_rng(seed).exponential(size=len(points)) / chance
    order = np.argsort(keys, kind="stable")  # every prefix is a random subset
    last = max(WIDTHS[2], NOISE_WIDTH * noise)
    if start is not None:
        many = len(points) >= 2 * subset
        chosen = np.sort(order[: FINER if many else subset])
        outward = normals[chosen] * (start * areas * len(points) / len(chosen) / (4 * np.pi))[chosen, None]
        if many:
            vectors = clustered_normals(points[chosen], outward, (max(WIDTHS[3], last), last), *CORRECTING[1:])
        else:
            vectors = consistent_normals(points[chosen], (WIDTHS[0], last), CORRECTING[0], outward)
        return _votes(points[chosen], vectors, points, normals)
    chosen = np.sort(order[:subset])
    vectors = consistent_normals(points[chosen], (WIDTHS[0], last))
    most = min(len(points), FINER, int(areas.sum() * (FINER_NOISE / max(noise, 1e-12)) ** 2))
    if most >= 2 * subset:
        finer = np.sort(order[:most])
        tree = KDTree(points[finer])
        member = np.isin(finer, chosen, assume_unique=True)
        density = member[nearest(tree, points[finer], k=SHARE)[1]].mean(1, keepdims=True)
        start = _blend(points[chosen], vectors, points[finer]) * density
        vectors = clustered_normals(points[finer], start, (max(WIDTHS[1], last), last))
        chosen = finer
    return _votes(points[chosen], vectors, points, normals)


def _votes(at: np.ndarray, vectors: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(n,) cosines of normals (n, 3) at points (n, 3) with the directions of vectors (m, 3) at points (m, 3)."""
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    return np.einsum("nd,nd->n", _blend(at, directions, points), normals)


def _blend(points: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(m, 3) values (n, 3) at points (n, 3), interpolated at `at` (m, 3) from the five nearest points."""
    distance, index = nearest(KDTree(points), at, k=5)
    weight = np.exp(-np.square(distance / np.maximum(distance[:, -1:], 1e-12)))
    return np.einsum("mk,mkd->md", weight / weight.sum(1, keepdims=True), values[index])


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
        conflict = np.bincount(a, -signed[across], count) + np.bincount(b, -signed[across], count)
        border = np.bincount(a, np.abs(signed[across]), count) + np.bincount(b, np.abs(signed[across]), count)
        size = np.bincount(part, minlength=count)
        long = border > BORDER * np.sqrt(size)
        turn = (conflict > CONFLICT * border) & long & (size < len(signs) / 2)
        if not turn.any():
            break
        # Adjacent patches are not flipped together, so that every flip lowers the disagreement.
        both = turn[a] & turn[b]
        larger = np.where((size[a] > size[b]) | ((size[a] == size[b]) & (a > b)), a, b)
        turn[larger[both]] = False
        signs = np.where(turn[part], -signs, signs)
    return signs


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
