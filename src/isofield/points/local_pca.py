"""Local principal components of points: unoriented normals, flatness, noise and spacing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtri

from isofield.kdtree import KDTree, nearest
from isofield.rows import evenly
from isofield.threads import parallel_map, ranges

NEIGHBOURS = 16
"""Size of a neighbourhood whose principal components give the normal, if the noise is small."""
WIDER = (32, 64)
"""Sizes of neighbourhoods for points whose noise is large compared with the extent of the smaller ones."""
KEPT = 25
"""Neighbours of each point in a `Neighbourhoods`."""
SIZES = 12, 20
"""Sizes of neighbourhoods whose distances from a quadric give the noise; what grows from one to the other is shape."""
TRIED = 15_000
"""Points at which quadrics are fitted, at most."""
LOW = 0.3
"""Quantile of those distances that gives the noise: those at edges, which no quadric fits, are above it."""
SHAPE_POWER = 2.5
"""The mean squared distance of a noise-free surface from its quadrics grows with this power of the number of
neighbours."""
GROWTH = 1.2, 1.4
"""Growth of the distances from the smaller neighbourhood to the larger: below the first it counts as noise, above the
second it counts as shape. Noise wider than the spacing grows by less than the first."""
SHEET_NEIGHBOURS, LEAST_SHEET_NEIGHBOURS = 24, 16
"""Size of a neighbourhood that is searched for a second sheet, and the least size."""
RIDGE = 1e-6
"""Regularization of quadrics whose terms are 1 at the farthest neighbour."""
SPLITS = 4
"""Rounds of labels and fits of that search."""
SINGLE, POOLED, POOL = 0.3, 0.42, 20
"""There are two sheets if they reduce the residual of one to the first fraction, or its median over `POOL` neighbours
to the second. In normal noise 1 % of points are below .37, and 1 % of medians below .43."""
FLAT = 0.08
"""A neighbourhood is flat if its third principal component is below this fraction of the second."""
FLATTER = 0.7
"""A wider neighbourhood is used if it is flatter by this factor."""
EIGHTH = 8
"""The local spacing of a point is the distance to this neighbour: its median over this many neighbours."""
LINE, LINES_TRIED = 0.05, 5000
"""Neighbours lie along a line where their second principal component is below this fraction of the first, as they do on
a tube whose radius is below 0.6 spacings; this number of points are tried."""
MANY = 30_000
"""At most this many points are used to decide which parts of a surface were measured."""


@dataclass(frozen=True)
class Neighbourhoods:
    """Each point's nearest neighbours and the plane through them; lengths in the units of the points.

    index, distance: (n, k), the point itself first. normals: (n, 3) of unit length with arbitrary signs. noise: (n,)
    standard deviation of the neighbours off that plane. bend: (n,) deviation from flatness, 0 to 1.
    """

    index: np.ndarray
    distance: np.ndarray
    normals: np.ndarray
    noise: np.ndarray
    bend: np.ndarray


def neighbourhoods(points: np.ndarray) -> Neighbourhoods:
    """Planes through the neighbours of every point (n, 3).

    A plane is meaningless where the noise is as large as the spacing: if 16 neighbours are not flat, 32
    and 64 are tried, and the flattest neighbourhood is used.
    """
    tree = KDTree(points)
    distance, index = nearest(tree, points, k=min(WIDER[0], len(points)))
    normals, noise, bend = planes(points, index[:, :NEIGHBOURS])
    unclear = np.flatnonzero(bend > FLAT)
    for wider in WIDER:
        if len(unclear) == 0 or len(points) < 4 * wider:
            break
        more = index[unclear] if wider == WIDER[0] else nearest(tree, points[unclear], k=wider)[1]
        wide = planes(points, more)
        better = wide[2] < bend[unclear] * FLATTER
        at = unclear[better]
        normals[at], noise[at], bend[at] = (values[better] for values in wide)
        unclear = unclear[bend[unclear] > FLAT]
    return Neighbourhoods(index[:, :KEPT].copy(), distance[:, :KEPT].copy(), normals, noise, bend)


def scaled(near: Neighbourhoods, factor: float) -> Neighbourhoods:
    """The neighbourhoods of points that are moved, and scaled by this factor."""
    return replace(near, distance=near.distance * factor, noise=near.noise * factor)


def planes(points: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes through points[index], index (n, k): normals (n, 3), root mean square distances (n,), and bend (n,).

    Bend is the ratio of the third principal component to the second: 0 for a plane, 1 for a ball or a line.
    """
    axes = np.ascontiguousarray(points.T)

    def fitted(rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        offset = axes[:, index[rows]]  # (3, m, k)
        offset -= offset.mean(2, keepdims=True)
        moments = np.empty((offset.shape[1], 3, 3))
        for a in range(3):
            for b in range(a, 3):
                moments[:, a, b] = moments[:, b, a] = np.einsum("nk,nk->n", offset[a], offset[b])
        values, vectors = np.linalg.eigh(moments)
        values = np.maximum(values, 0)
        deviation = np.sqrt(values[:, 0] / (index.shape[1] - 3))
        return vectors[:, :, 0], deviation, values[:, 0] / np.maximum(values[:, 1], 1e-300)

    parts = parallel_map(fitted, ranges(len(index), 16_384))
    if not parts:
        return np.empty((0, 3)), np.empty(0), np.empty(0)
    normals, noise, bend = (np.concatenate(part) for part in zip(*parts, strict=True))
    return normals, noise, bend


def local_noise(points: np.ndarray, near: Neighbourhoods) -> np.ndarray:
    """(n,) standard deviation of points (n, 3) off the surface: the residual of a quadric through 20 neighbours.

    A low quantile over the neighbours is used, because no quadric fits an edge, clipped to within a factor of two of
    that of the whole cloud (`typical_noise`). Where the neighbours lie on two sheets, each sheet has its own height. Of
    more than `TRIED` points, evenly spread ones give the noise of all.
    """
    rows = np.arange(len(points))[:: -(-len(points) // TRIED)]
    normals, index = near.normals[rows], near.index[rows]
    other = second_sheet(points, index, normals, None if len(rows) == len(points) else rows)
    left = [residuals(points, normals, index[:, :k], other[:, :k]) for k in SIZES]
    if len(rows) == len(points):
        around = near.index[:, : SIZES[1]]
    else:
        around = nearest(KDTree(points[rows]), points, k=SIZES[1])[1]
    local = np.quantile(left[1][around], LOW, axis=1) / low_chi(SIZES[1])
    typical = typical_noise(left)
    return np.clip(local, typical / 2, typical * 2)


def typical_noise(left: Sequence[np.ndarray]) -> float:
    """Standard deviation of the points of a cloud off its surface, from the residuals (n,) for both of `SIZES`.

    The residual of noise does not depend on the number of neighbours k; that of a shape that no quadric fits is
    proportional to k^(`SHAPE_POWER` / 2). Where the residual grows, the part that grows is not counted.
    """
    few, many = (float(np.quantile(each, LOW)) / low_chi(k) for each, k in zip(left, SIZES, strict=True))
    if many <= 0:
        return 0.0
    ratio = (SIZES[1] / SIZES[0]) ** SHAPE_POWER
    constant = np.sqrt(max(ratio * few**2 - many**2, 0) / (ratio - 1))
    share = np.clip((many / max(few, 1e-300) - GROWTH[0]) / (GROWTH[1] - GROWTH[0]), 0, 1)
    return float(many + share * (constant - many))


def low_chi(count: int) -> float:
    """The quantile `LOW` of the residual of `count` points about a quadric, for a deviation of 1."""
    return float(np.sqrt(chdtri(count - 6, 1 - LOW) / (count - 6)))


def second_sheet(
    points: np.ndarray, index: np.ndarray, normals: np.ndarray, at: np.ndarray | None = None
) -> np.ndarray:
    """Which neighbours points[index], index (m, k) with the point itself first, lie on another sheet than the point.

    normals: (m, 3) unsigned, of the planes through the neighbours. at: (m,) rows of the points that `index` belongs to,
    all of them by default. Returns (m, k) bool, all False where there is one sheet.

    A quadric with a step is fitted, h(u, v) + s, with s = 0 on one sheet and constant on the other: the labels are the
    two-means clusters of the heights above h, which is a plane at first, and are found again after each fit (Lloyd's
    algorithm). There are two sheets where that reduces the residual far more than it does in normal noise.
    """
    index = index[:, :SHEET_NEIGHBOURS]
    if index.shape[1] < LEAST_SHEET_NEIGHBOURS:
        return np.zeros(index.shape, bool)
    split = split_sheets(points, index, normals)
    part = points if at is None else points[at]
    around = nearest(KDTree(part), part, k=min(POOL, len(part)))[1] if at is not None else index[:, :POOL]
    return (split.position > 0.5) & has_two_sheets(split.ratio, around)[:, None]


def has_two_sheets(ratio: np.ndarray, around: np.ndarray) -> np.ndarray:
    """(m,) bool, from the ratios (m,) of `split_sheets` and the rows of neighbours around each, (m, k)."""
    return (ratio < SINGLE) | (np.median(ratio[around], axis=1) < POOLED)


@dataclass(frozen=True)
class Split:
    """Two sheets fitted to the neighbours of m points.

    position: (m, k) of each neighbour between the sheet of its point, 0, and the other, 1. ratio: (m,) residual of two
    sheets relative to that of one. normals: (m, 3) of unit length, of the sheets, with the signs given.
    """

    position: np.ndarray
    ratio: np.ndarray
    normals: np.ndarray


def split_sheets(points: np.ndarray, index: np.ndarray, normals: np.ndarray) -> Split:
    """Two sheets through neighbours points[index], index (m, k) with the point itself first; normals: (m, 3)."""
    parts = parallel_map(lambda r: _split(points, index[r], normals[r]), ranges(len(index), 4096))
    return Split(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _split(points: np.ndarray, index: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fields of a `Split`."""
    u, v, w, reach = _local(points, index, normals)
    count = index.shape[1]
    terms = quadratic_terms(u, v)
    inverse = np.linalg.inv(_squared(terms))
    plain = inverse @ (terms @ w[..., None])  # (m, 6, 1) without a step
    one = np.sqrt(np.square(w - (plain.transpose(0, 2, 1) @ terms)[:, 0]).sum(1) / max(count - 6, 1))
    position, two, slope = np.zeros(w.shape), np.full(len(w), np.inf), np.zeros((len(w), 2))
    for first in (3, 6):
        left = _left(terms[:, :first], w)
        for _ in range(SPLITS):
            side = np.where(two_means(left), 0.5, -0.5)
            across = terms @ side[..., None]
            moved = inverse @ across
            rest = count / 4 + RIDGE - (across * moved).sum(1)  # of the step, after elimination of the quadric
            step = (((side * w).sum(1, keepdims=True)) - (across * plain).sum(1)) / rest  # (m, 1)
            coefficients = plain[..., 0] - step * moved[..., 0]
            left = w - (coefficients[:, None] @ terms)[:, 0]
        deviation = np.sqrt(np.square(left - step * side).sum(1) / (count - 7))
        better = deviation < two
        size = np.maximum(np.abs(step), 1e-12 * reach[:, None])
        position[better] = (np.abs(left - left[:, :1]) / size)[better]
        two[better], slope[better] = deviation[better], (coefficients[:, 1:3] / reach[:, None])[better]
    a, b = tangents(normals)
    new = normals - slope[:, :1] * a - slope[:, 1:] * b
    ratio = np.where(one < 1e-6 * reach, 1.0, two / np.maximum(one, 1e-300))
    return position, ratio, new / np.linalg.norm(new, axis=1, keepdims=True)


def two_means(values: np.ndarray) -> np.ndarray:
    """(m, k) bool: which of values (m, k) belong to the upper one of the two clusters with the least variance."""
    order = np.argsort(values, 1, kind="stable")
    ordered = np.take_along_axis(values, order, 1)
    sums, total = np.cumsum(ordered, 1)[:, :-1], ordered.sum(1, keepdims=True)
    below = np.arange(1, values.shape[1])
    gain = np.square(sums) / below + np.square(total - sums) / (values.shape[1] - below)
    cut = gain[:, 1:-1].argmax(1) + 1  # at least two values on both sides
    upper = np.zeros(values.shape, bool)
    np.put_along_axis(upper, order, np.arange(values.shape[1])[None] > cut[:, None], 1)
    return upper


def residuals(points: np.ndarray, normals: np.ndarray, index: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(m,) root mean square distance of neighbours points[index], index (m, k), from the quadric that fits them best.

    The quadric is a height over the plane at the first neighbour with `normals` (m, 3): six coefficients, and a step
    between two sheets where `other` (m, k) says that neighbours lie on a second one.
    """

    def fitted(rows: slice) -> np.ndarray:
        u, v, w, _ = _local(points, index[rows], normals[rows])
        terms = quadratic_terms(u, v)
        terms = np.concatenate([terms, other[rows][:, None]], 1)
        return _residual(terms, w, np.where(other[rows].any(1), 7, 6))

    parts = parallel_map(fitted, ranges(len(index), 8192))
    return np.concatenate(parts) if parts else np.empty(0)


def _local(
    points: np.ndarray, index: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates u, v in the tangent plane, relative to the reach of the neighbours, height w, all (m, k), and that
    reach (m,)."""
    offset = points[index] - points[index[:, :1]]
    u, v, w = (np.einsum("nkd,nd->nk", offset, axis) for axis in (*tangents(normals), normals))
    reach = np.maximum(np.sqrt(np.square(u) + np.square(v)).max(1), 1e-300)
    return u / reach[:, None], v / reach[:, None], w, reach


def _solved(terms: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Coefficients (m, c) of terms (m, c, k) that fit height (m, k) best."""
    return np.linalg.solve(_squared(terms), terms @ height[..., None])[..., 0]


def _squared(terms: np.ndarray) -> np.ndarray:
    """(m, c, c) products of terms (m, c, k) with each other, regularized."""
    return terms @ terms.transpose(0, 2, 1) + RIDGE * np.eye(terms.shape[1])


def _left(terms: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(m, k) what the best fit of terms (m, c, k) leaves of height (m, k)."""
    return height - (_solved(terms, height)[:, None] @ terms)[:, 0]


def _residual(terms: np.ndarray, height: np.ndarray, coefficients: int | np.ndarray) -> np.ndarray:
    """(m,) standard deviation of what terms (m, c, k) leave of height (m, k), with this number of coefficients."""
    return np.sqrt(np.square(_left(terms, height)).sum(1) / np.maximum(height.shape[1] - coefficients, 1))


def noise_level(points: np.ndarray) -> float:
    """Standard deviation of points (n, 3) off their surface, in their units, estimated from at most 20 000 of them."""
    points = np.asarray(points, np.float64)
    chosen = evenly(len(points), 20_000)
    _, index = nearest(KDTree(points), points[chosen], k=min(SHEET_NEIGHBOURS, len(points)))
    normals = planes(points, index[:, :NEIGHBOURS])[0]
    other = second_sheet(points, index, normals, chosen)
    return typical_noise([residuals(points, normals, index[:, :k], other[:, :k]) for k in SIZES])


def spacing(points: np.ndarray) -> float:
    """Median distance of points (n, 3) to their nearest neighbour, estimated from at most 20 000 of them."""
    chosen = evenly(len(points), 20_000)
    return float(np.median(nearest(KDTree(points), points[chosen], k=[2])[0]))


def local_spacing(points: np.ndarray) -> np.ndarray:
    """(n,) spacing around each of points (n, 3), in their units.

    The distance to the 8th neighbour, which a uniform cloud of density rho (points per area) has at sqrt(8 / (pi rho)),
    in the median over the neighbours: a lone point, or one at a border, does not count as sparser than the others.
    """
    count = min(EIGHTH, len(points) - 1)
    if count < 1:
        return np.zeros(len(points))
    distance, index = nearest(KDTree(points), points, k=count + 1)
    return np.asarray(np.median(distance[:, count][index], axis=1))


def along_lines(points: np.ndarray) -> float:
    """The share of points (n, 3) whose nearest neighbours lie along a line: on wires and twigs thinner than the spacing
    of their points."""
    points = np.asarray(points, np.float64)
    chosen = evenly(len(points), LINES_TRIED)
    _, index = nearest(KDTree(points), points[chosen], k=min(SHEET_NEIGHBOURS, len(points)))
    offset = points[index] - points[index].mean(1, keepdims=True)
    values = np.linalg.eigvalsh(offset.transpose(0, 2, 1) @ offset)
    return float((values[:, 1] < LINE * values[:, 2]).mean())


def subsample(points: np.ndarray, distance: float) -> tuple[np.ndarray, float]:
    """Points (n, 3) and their spacing `distance`; of more than `MANY` points, a fixed random subset and its spacing.

    Which parts of a surface were measured is decided at that scale.
    """
    if len(points) <= MANY:
        return points, distance
    part = points[np.sort(np.random.default_rng(0).permutation(len(points))[:MANY])]
    return part, spacing(part)


def tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions a, b (n, 3) of unit length that form right-handed frames (a, b, n) with normals n (n, 3)."""
    a = np.cross(normals, np.eye(3)[np.abs(normals).argmin(1)])
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    return a, np.cross(normals, a)


def quadratic_terms(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(m, 6, k) terms 1, u, v, u^2, u v, v^2 of a quadric at u, v (m, k)."""
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)
