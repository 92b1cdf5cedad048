"""Oriented normals from the winding number, which should be 1 inside, 0 outside and 1/2 on the surface.

Lin, Shi and Liu, "Fast and Globally Consistent Normal Orientation based on the Winding Number Normal Consistency",
2024. Vectors v_j at points x_j, whose lengths are the area around the point over 4 pi, have the winding number

    w(x) = sum_j k(x_j - x) (x_j - x) . v_j          k(r) = (|r|^2 + width^2)^(-3/2)

and a round takes one step of descent on sum_i (w(x_i) - 1/2)^2 and then turns each v_i against the gradient of w.
"""

from __future__ import annotations

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.threads import parallel_map, ranges, single_threaded

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
HARD = 1.5
"""How much more likely a point is to enter the subset if the normals around it scatter as much as on average."""
ROUNDS = 40
LEAF, NEAR = 8, 9
"""Points per cluster, at most, and the number of clusters around a point whose points are summed one by one."""
GROUP, AROUND = 16, 96
"""Clusters of a larger one, and the number of larger ones around a point whose clusters are summed one by one."""
LANE = 64
"""Clusters that one thread takes at a time."""
OUTER, INNER = 3, 4
"""How often the field of the far clusters is computed, and the rounds with each."""
DESCENT = 0.3
"""Fraction of the optimal step of descent, at first; it falls to 0. Whole steps fit the noise."""
LONGER = 1.5
"""Lengths of vectors stay within this factor: from the near points alone they would drift."""


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


def consistent_normals(
    points: np.ndarray, widths: tuple[float, float], rounds: int = ROUNDS, start: np.ndarray | None = None
) -> np.ndarray:
    """(n, 3) outward vectors at points (n, 3), whose lengths are the area around each over 4 pi.

    The width of the kernel falls between `widths` from round to round, so that the coarse shape is decided first. All
    pairs are summed: O(n^2) a round. start: (n, 3) vectors to begin with.
    """
    x = points.astype(np.float32)
    v = np.zeros_like(x) if start is None else start.astype(np.float32)
    with single_threaded():
        # squared distances of all pairs, (n, n) in blocks of rows that fit into a core's cache
        pairs = parallel_map(lambda rows: _squares(x[rows], x), ranges(len(x), 128))
        inverse, kernel = ([np.empty_like(block) for block in pairs] for _ in range(2))
        for width in np.linspace(*widths, rounds):
            v = _round(x, v, np.float32(width**2), list(zip(pairs, inverse, kernel, strict=True)))
    return v.astype(np.float64)


def _squares(at: np.ndarray, source: np.ndarray) -> np.ndarray:
    """(m, n) squared distances of at (m, 3) from source (n, 3)."""
    product = at @ source.T
    product *= -2
    product += np.square(at).sum(1)[:, None]
    product += np.square(source).sum(1)
    return np.maximum(product, 0, out=product)


def _round(
    x: np.ndarray, v: np.ndarray, square: np.float32, blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Vectors v (n, 3) at x (n, 3) after one round with the kernel (r^2 + square)^(-3/2).

    blocks: rows of the squared distances, and two buffers of their shapes for 1 / (r^2 + square) and the kernel.
    """

    def evaluate(block: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        pairs, inverse, kernel = block
        np.reciprocal(np.add(pairs, square, out=inverse), out=inverse)
        np.multiply(np.sqrt(inverse, out=kernel), inverse, out=kernel)

    parallel_map(evaluate, blocks)

    def times(columns: np.ndarray) -> np.ndarray:  # kernel @ columns: (n, n) by (n, c)
        return np.concatenate(parallel_map(lambda block: block[2] @ columns, blocks))

    def winding(u: np.ndarray) -> np.ndarray:  # A u, (n,)
        return _winding(times(_moments(x, u)), x)

    def transposed(r: np.ndarray) -> np.ndarray:  # A' r, (n, 3); the kernel is symmetric
        sums = times(np.concatenate([r[:, None], x * r[:, None]], 1))
        return x * sums[:, :1] - sums[:, 1:]

    gradient = transposed(winding(v) - np.float32(0.5))
    along = winding(gradient)
    v = v - gradient * (np.square(gradient).sum() / max(np.square(along).sum(), np.float32(1e-30)))
    flat = times(v)
    parallel_map(lambda block: np.multiply(block[2], block[1], out=block[2]), blocks)
    outward = flat - 3 * _slope(times(_second_moments(x, v)), x)
    return _unit(outward) * _length(v)


def _length(v: np.ndarray) -> np.ndarray:
    """(..., 1) lengths of vectors (..., 3)."""
    return np.sqrt(np.square(v).sum(-1, keepdims=True))


def _unit(v: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) at length 1."""
    return v / np.maximum(_length(v), np.float32(1e-12))


def _moments(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(n, 4) columns whose sums over sources x (n, 3), times the kernel, give the winding number of v (n, 3)."""
    return np.concatenate([v, (x * v).sum(1, keepdims=True)], 1)


def _winding(sums: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(m,) winding number at `at` (m, 3) from the sums (m, 4) of `_moments`: sum_j k (x_j - x) . v_j."""
    return sums[:, 3] - (at * sums[:, :3]).sum(1)


def _second_moments(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(n, 16) columns for `_slope`; their sums are weighted with the kernel over r^2 + width^2."""
    s = (x * v).sum(1, keepdims=True)
    return np.concatenate([x * s, s, v, (x[:, :, None] * v[:, None, :]).reshape(-1, 9)], 1)


def _slope(sums: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(m, 3): sum_j k / (r^2 + width^2) (x_j - x) ((x_j - x) . v_j) at `at` (m, 3), from sums (m, 16).

    Minus the gradient of the winding number is sum_j k v_j less three times this.
    """
    xs, ss, vs, xv = sums[:, :3], sums[:, 3:4], sums[:, 4:7], sums[:, 7:].reshape(-1, 3, 3)
    return xs - np.einsum("nab,nb->na", xv, at) - at * ss + at * (at * vs).sum(1, keepdims=True)


def clustered_normals(
    points: np.ndarray, vectors: np.ndarray, widths: tuple[float, float], outer: int = OUTER, inner: int = INNER
) -> np.ndarray:
    """(n, 3) outward vectors at points (n, 3), refined from approximate ones, `vectors` (n, 3).

    As `consistent_normals`, but only the nearest clusters of points are summed pair by pair; each of the others is one
    vector at its centre, whose field is updated a few times. A round costs O(n); the far field O(n^2 / 128).
    Lengths stay near those of `vectors`. outer, inner: how often the far field is computed, at least 2, and the rounds
    with each.
    """
    leaves = _leaves(points)
    empty = leaves < 0  # (l, m)
    x = np.where(empty[..., None], points[leaves[:, :1]], points[leaves]).astype(np.float32)
    real = (~empty).astype(np.float32)[..., None]  # (l, m, 1)
    v = vectors[np.maximum(leaves, 0)].astype(np.float32) * real
    length = _length(v)
    centre = (x * real).sum(1) / real.sum(1)  # (l, 3)
    near = nearest(KDTree(centre), centre, k=min(NEAR, len(centre)))[1].reshape(len(centre), -1)  # (l, c)
    with single_threaded():
        offsets = _offsets(x, near)
        for turn in range(outer):
            far = _far(x, v, centre, near, widths[1])  # (l, m, 4)
            step = np.float32(DESCENT * (1 - turn / (outer - 1)))
            for width in np.linspace(widths[0] if turn == 0 else widths[1], widths[1], inner):
                v = _near_round(v, real, near, offsets, far, np.float32(width**2), step, length)
    result = np.empty(points.shape)
    result[leaves[~empty]] = v[~empty]
    return result


def _leaves(points: np.ndarray) -> np.ndarray:
    """Clusters of at most `LEAF` points (n, 3): indices (l, m), padded with -1.

    They are halved at the median of their longest side until they are small.
    """
    parts = [np.arange(len(points))]
    while len(parts[0]) > LEAF or len(parts[-1]) > LEAF:
        halves = []
        for part in parts:
            inside = points[part]
            order = part[np.argsort(inside[:, np.ptp(inside, axis=0).argmax()], kind="stable")]
            halves += np.array_split(order, 2)
        parts = halves
    result = np.full((len(parts), max(map(len, parts))), -1)
    for row, part in zip(result, parts, strict=True):
        row[: len(part)] = part
    return result


def _far(x: np.ndarray, v: np.ndarray, centre: np.ndarray, near: np.ndarray, width: float) -> np.ndarray:
    """(l, m, 4) winding number at x (l, m, 3), and minus its gradient, of the clusters (l, 3) that are not near.

    Clusters that follow one another are parts of a larger one. Beyond the nearest ones, a larger cluster is one vector.
    """
    size = min(GROUP, len(x))
    middle = centre.reshape(-1, size, 3).mean(1)  # (g, 3)
    count = min(AROUND, len(middle))
    around = np.argpartition(_squares(middle, middle), count - 1, axis=1)[:, :count]
    total = v.sum(1)  # (l, 3)
    whole = total.reshape(-1, size, 3).sum(1)
    first = [_moments(centre, total), _moments(middle, whole)]
    second = [_second_moments(centre, total), _second_moments(middle, whole)]

    def part(group: int) -> np.ndarray:
        rows = slice(group * size, (group + 1) * size)
        close = np.zeros(len(middle), bool)
        close[around[group]] = close[near[rows].ravel() // size] = True
        single = np.repeat(close, size)

        def sources(of_clusters: np.ndarray, of_groups: np.ndarray) -> np.ndarray:
            return np.concatenate([of_clusters[single], of_groups[~close]])

        at = x[rows].reshape(-1, 3)
        inverse = _squares(at, sources(centre, middle))
        inverse += np.float32(width**2)
        np.reciprocal(inverse, out=inverse)
        kernel = np.sqrt(inverse)
        kernel *= inverse
        beside = (np.cumsum(single) - 1)[near[rows]]  # columns of the near clusters
        kernel.reshape(*x[rows].shape[:2], -1)[np.arange(len(beside))[:, None], :, beside] = 0
        sums = kernel @ sources(*first)
        kernel *= inverse
        outward = sums[:, :3] - 3 * _slope(kernel @ sources(*second), at)
        return np.concatenate([_winding(sums, at)[:, None], outward], 1).reshape(*x[rows].shape[:2], 4)

    return np.concatenate(parallel_map(part, range(len(middle))))


def _near_round(
    v: np.ndarray, real: np.ndarray, near: np.ndarray, offsets: list[np.ndarray], far: np.ndarray, square: np.float32,
    share: np.float32, length: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Vectors v (l, m, 3) after one round, in which the clusters `near` (l, c) change and `far` (l, m, 4) does not.

    real: (l, m, 1), 0 for padding. offsets: of `_offsets`. share: fraction of the optimal step of descent. length:
    (l, m, 1) around which lengths stay.
    """
    lanes = list(zip(ranges(len(v), LANE), offsets, strict=True))

    def around(values: np.ndarray, rows: slice) -> np.ndarray:  # (l, c m, 3 or 1): the values of near points
        return values[near[rows]].reshape(rows.stop - rows.start, -1, values.shape[2])

    def kernel(lane: tuple[slice, np.ndarray]) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        inverse = 1 / (np.square(lane[1]).sum(2) + square)  # (l, m, c m)
        cube = inverse * np.sqrt(inverse)
        return *lane, inverse, cube, lane[1] * cube[:, :, None]

    blocks = parallel_map(kernel, lanes)

    def winding(u: np.ndarray) -> np.ndarray:  # (l, m, 1)
        def part(block: tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
            column = around(u, block[0]).transpose(0, 2, 1).reshape(len(block[1]), -1, 1)
            return block[4].reshape(*block[4].shape[:2], -1) @ column

        return np.concatenate(parallel_map(part, blocks)) * real

    if share > 0:
        left = (winding(v) + far[..., :1] - np.float32(0.5)) * real

        def transposed(block: tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
            weighted = block[4]
            return -(weighted.reshape(len(weighted), -1, weighted.shape[3]) @ around(left, block[0])).reshape(
                weighted.shape[:3]
            )

        gradient = np.concatenate(parallel_map(transposed, blocks)) * real
        along = winding(gradient)
        v = v - gradient * (share * (left * along).sum() / max(np.square(along).sum(), np.float32(1e-30)))

    def turned(block: tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        rows, offset, inverse, cube, weighted = block
        u = around(v, rows)
        slope = (weighted * u.transpose(0, 2, 1)[:, None]).sum(2)  # (l, m, c m)
        slope *= inverse
        return cube @ u - 3 * (offset @ slope[..., None])[..., 0]

    outward = _unit(np.concatenate(parallel_map(turned, blocks)) + far[..., 1:])
    return outward * np.clip(_length(v), length / np.float32(LONGER), length * np.float32(LONGER))


def _offsets(x: np.ndarray, near: np.ndarray) -> list[np.ndarray]:
    """From each point of x (l, m, 3) to the points of the clusters `near` (l, c): (LANE, m, 3, c m) each."""

    def part(rows: slice) -> np.ndarray:
        there = x[near[rows]].reshape(rows.stop - rows.start, -1, 3).transpose(0, 2, 1)[:, None]
        return np.ascontiguousarray(there - x[rows][..., None])

    return parallel_map(part, ranges(len(x), LANE))
