"""The sides of normals: the winding number decides, the neighbour graph cleans up."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.topology import components

SUBSET = 6000
"""Points that are oriented together; every pair of them counts, so time grows with the square."""
FINER, FINER_NOISE = 30_000, 0.6
"""Points that are then oriented in clusters, at most, and the noise beside their spacing, at most: the winding number
on points that lie in a thick layer is not 1/2."""
SHARE = 64
"""Neighbours that tell how many of the larger subset one of the smaller stands for."""
WIDTHS = (0.03, 0.008, 0.004)
"""Smoothing width of the winding kernel in the first round, in the first with clusters, and in the last rounds of both,
in units of the box's longest side."""
NOISE_WIDTH = 1.5
"""The widths are at least so many times the noise: below it the field follows single points."""
AGREEMENT = 0.8
"""Mean product of given and found sides, beyond which the given ones may be right where they differ."""
PATCHES, CONFLICT, BORDER = 50, 0.5, 0.1
"""How often patches are turned, the share of a border's pull that must ask for it, and the pull that a border has at
least, beside the square root of the patch's points: a compact patch has about twice that root."""
HARD = 1.5
"""How much likelier a point is to be chosen for the subset where its neighbours' normals scatter as they do on
average."""


def winding_sides(
    points: np.ndarray,
    normals: np.ndarray,
    neighbours: np.ndarray,
    areas: np.ndarray,
    noise: float,
    seed: int = 0,
    subset: int = SUBSET,
) -> np.ndarray:
    """(n,) in [-1, 1]: whether each normal (n, 3) points outward, and how sure that is.

    points (n, 3) have a box with longest side 1 about the origin; neighbours (n, k) are the indices of each point's
    neighbours, areas (n,) what a point stands for; noise is the points' deviation. A random subset, denser where
    normals scatter (thin parts, edges), gets outward directions from all pairs, a larger one from clusters; every
    normal asks the five nearest. subset: how many points of the first.
    """
    from isofield.points.winding_orientation import clustered_normals, consistent_normals

    scatter = 1 - np.abs(np.einsum("nkd,nd->nk", normals[neighbours], normals)).mean(1)
    scatter = scatter[neighbours].mean(1)
    chance = 1 + HARD * scatter / max(float(scatter.mean()), 1e-9)
    keys = np.random.default_rng(seed).exponential(size=len(points)) / chance
    order = np.argsort(keys, kind="stable")  # any first part of it is a subset
    chosen = np.sort(order[:subset])
    last = max(WIDTHS[2], NOISE_WIDTH * noise)
    vectors = consistent_normals(points[chosen], (WIDTHS[0], last))
    most = min(len(points), FINER, int(areas.sum() * (FINER_NOISE / max(noise, 1e-12)) ** 2))
    if most >= 2 * subset:
        finer = np.sort(order[:most])
        tree = cKDTree(points[finer])
        among = np.isin(finer, chosen, assume_unique=True)
        share = among[nearest(tree, points[finer], k=SHARE)[1]].mean(1, keepdims=True)
        start = _blend(points[chosen], vectors, points[finer]) * share
        vectors = clustered_normals(points[finer], start, (max(WIDTHS[1], last), last))
        chosen = finer
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    return np.einsum("nd,nd->n", _blend(points[chosen], directions, points), normals)


def _blend(points: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(m, 3): values (n, 3) of the five of points (n, 3) that are nearest to each of `at` (m, 3), by distance."""
    distance, index = nearest(cKDTree(points), at, k=5)
    weight = np.exp(-np.square(distance / np.maximum(distance[:, -1:], 1e-12)))
    return np.einsum("mk,mkd->md", weight / weight.sum(1, keepdims=True), values[index])


def graph_sides(
    points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray, votes: np.ndarray
) -> np.ndarray:
    """(n,) +1 or -1 for normals (n, 3) at points (n, 3): votes (n,), made consistent among neighbours.

    index, distance: (n, k) neighbours, the point itself first.
    """
    near, weight = index[:, 1:13], pulls(points, normals, index, distance)
    sides = votes
    for _ in range(30):
        sides = np.tanh(2 * ((weight * sides[near]).sum(1) + 0.3 * votes))
    return turn_patches(np.where(sides < 0, -1.0, 1.0), near, weight)


def turn_patches(sides: np.ndarray, near: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sides (n,) after turning whole patches that disagree with what surrounds them along nearly all of their border.

    near, weight: (n, 12) neighbours and how much they pull. A patch is a connected part whose neighbours agree. On a
    smooth surface no border of disagreement can be right, however sure the votes were within. Of two patches that
    touch and could turn, the smaller one does, or a whole body would turn to please a few points of its own; nor does a
    body turn that noise alone connects with another by a few edges.
    """
    rows = np.repeat(np.arange(len(sides)), near.shape[1])
    columns, pull = near.ravel(), weight.ravel()
    for _ in range(PATCHES):
        signed = pull * sides[rows] * sides[columns]
        agree = signed > 0
        part = components(len(sides), rows[agree], columns[agree])
        count = int(part.max()) + 1
        across = part[rows] != part[columns]
        if count == 1 or not across.any():
            break
        a, b = part[rows[across]], part[columns[across]]
        conflict = np.bincount(a, -signed[across], count) + np.bincount(b, -signed[across], count)
        border = np.bincount(a, np.abs(signed[across]), count) + np.bincount(b, np.abs(signed[across]), count)
        size = np.bincount(part, minlength=count)
        long = border > BORDER * np.sqrt(size)
        turn = (conflict > CONFLICT * border) & long & (size < len(sides) / 2)
        if not turn.any():
            break
        # Patches that touch do not turn together; each turn lowers what disagrees.
        both = turn[a] & turn[b]
        larger = np.where((size[a] > size[b]) | ((size[a] == size[b]) & (a > b)), a, b)
        turn[larger[both]] = False
        sides = np.where(turn[part], -sides, sides)
    return sides


def pulls(points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(n, 12): how much each of 12 neighbours wants a point's normal on its own side (on the other, if negative).

    The product of the two normals, less where the edge between the points leaves the tangent planes (across a thin wall
    or a sharp edge) and where it is long; the sizes of a row sum to 1.
    """
    near, far = index[:, 1:13], distance[:, 1:13]
    edge = points[near] - points[:, None]  # (n, 12, 3)
    edge /= np.maximum(far, 1e-30)[..., None]
    leaves = [np.abs(np.einsum("nkd,nd->nk", edge, normals)), np.abs(np.einsum("nkd,nkd->nk", edge, normals[near]))]
    flat = np.maximum(0, 1 - 1.3 * np.maximum(*leaves))
    sixth = np.maximum(distance[:, 6:7], 1e-30)
    weight = np.einsum("nkd,nd->nk", normals[near], normals) * flat * np.exp(-((far / sixth) ** 2) / 2)
    return weight / np.maximum(np.abs(weight).sum(1, keepdims=True), 1e-30)


def keep_given_orientation(
    points: np.ndarray, normals: np.ndarray, index: np.ndarray, distance: np.ndarray, sides: np.ndarray
) -> np.ndarray | None:
    """(n,) the sides of normals that came with the points: as they came, where they are consistent, or None.

    They are consistent where nearly all of them agree with the sides that were found (or nearly none: then all are
    turned) and neighbours agree among them as well as among the found ones.
    """
    whole = float(sides.mean())
    if abs(whole) < AGREEMENT:
        return None
    weight = pulls(points, normals, index, distance)
    found = float((weight * sides[:, None] * sides[index[:, 1:13]]).sum())
    return np.full(len(sides), np.sign(whole)) if float(weight.sum()) >= 0.995 * found else None
