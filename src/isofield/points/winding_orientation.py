"""Oriented normals from the winding number, which should be 1 inside, 0 outside and 1/2 on the surface.

Lin, Shi and Liu, "Fast and Globally Consistent Normal Orientation based on the Winding Number Normal Consistency",
2024. Vectors v_j at points x_j, whose lengths are the area around the point over 4 pi, have the winding number

    w(x) = sum_j k(x_j - x) (x_j - x) . v_j          k(r) = (|r|^2 + width^2)^(-3/2)

and a round takes one step of descent on sum_i (w(x_i) - 1/2)^2 and then turns each v_i against the gradient of w.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isofield.kdtree import KDTree, nearest
from isofield.threads import parallel_map, ranges, single_threaded

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


def consistent_normals(
    points: np.ndarray, widths: tuple[float, float], rounds: int = ROUNDS, start: np.ndarray | None = None
) -> np.ndarray:
    """(n, 3) outward vectors at points (n, 3), whose lengths are the area around each over 4 pi.

    The width of the kernel falls between `widths` from round to round, so that the coarse shape is decided first. All
    pairs are summed: O(n^2) a round. start: (n, 3) vectors to begin with.
    """
    x = torch.as_tensor(points, dtype=torch.float32)
    v = torch.zeros_like(x) if start is None else torch.as_tensor(start, dtype=torch.float32)
    square = (x * x).sum(1)
    with single_threaded():
        # squared distances of all pairs, (n, n) in blocks of rows that fit into a core's cache
        pairs = parallel_map(
            lambda c: (square[c, None] + square[None] - 2 * x[c] @ x.T).clamp_(min=0), ranges(len(x), 128)
        )
        inverse, kernel = ([torch.empty_like(block) for block in pairs] for _ in range(2))
        for width in np.linspace(*widths, rounds):
            v = _round(x, v, float(width) ** 2, list(zip(pairs, inverse, kernel, strict=True)))
    return v.double().numpy()


def _round(x: Tensor, v: Tensor, square: float, blocks: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """Vectors v (n, 3) at x (n, 3) after one round with the kernel (r^2 + square)^(-3/2).

    blocks: rows of the squared distances, and two buffers of their shapes for 1 / sqrt(r^2 + square) and the kernel.
    """

    def evaluate(block: tuple[Tensor, Tensor, Tensor]) -> None:
        pairs, inverse, kernel = block
        torch.add(pairs, square, out=inverse).rsqrt_()
        torch.mul(inverse, inverse, out=kernel).mul_(inverse)

    parallel_map(evaluate, blocks)

    def times(columns: Tensor) -> Tensor:  # kernel @ columns: (n, n) by (n, c)
        transposed = columns.T.contiguous()  # several times faster for few columns
        return torch.cat(parallel_map(lambda block: block[2] @ transposed.T, blocks))

    def winding(u: Tensor) -> Tensor:  # A u, (n,)
        return _winding(times(_moments(x, u)), x)

    def transposed(r: Tensor) -> Tensor:  # A' r, (n, 3); the kernel is symmetric
        sums = times(torch.cat([r[:, None], x * r[:, None]], 1))
        return x * sums[:, :1] - sums[:, 1:]

    gradient = transposed(winding(v) - 0.5)
    along = winding(gradient)
    v = v - gradient * ((gradient * gradient).sum() / (along * along).sum().clamp(min=1e-30))
    flat = times(v)
    parallel_map(lambda block: block[2].mul_(block[1]).mul_(block[1]), blocks)
    outward = flat - 3 * _slope(times(_second_moments(x, v)), x)
    return torch.nn.functional.normalize(outward, dim=1) * v.norm(dim=1, keepdim=True)


def _moments(x: Tensor, v: Tensor) -> Tensor:
    """(n, 4) columns whose sums over sources x (n, 3), times the kernel, give the winding number of v (n, 3)."""
    return torch.cat([v, (x * v).sum(1, keepdim=True)], 1)


def _winding(sums: Tensor, at: Tensor) -> Tensor:
    """(m,) winding number at `at` (m, 3) from the sums (m, 4) of `_moments`: sum_j k (x_j - x) . v_j."""
    return sums[:, 3] - (at * sums[:, :3]).sum(1)


def _second_moments(x: Tensor, v: Tensor) -> Tensor:
    """(n, 16) columns for `_slope`; their sums are weighted with the kernel over r^2 + width^2."""
    s = (x * v).sum(1, keepdim=True)
    return torch.cat([x * s, s, v, (x[:, :, None] * v[:, None, :]).flatten(1)], 1)


def _slope(sums: Tensor, at: Tensor) -> Tensor:
    """(m, 3): sum_j k / (r^2 + width^2) (x_j - x) ((x_j - x) . v_j) at `at` (m, 3), from sums (m, 16).

    Minus the gradient of the winding number is sum_j k v_j less three times this.
    """
    xs, ss, vs, xv = sums[:, :3], sums[:, 3:4], sums[:, 4:7], sums[:, 7:].view(-1, 3, 3)
    return xs - torch.einsum("nab,nb->na", xv, at) - at * ss + at * (at * vs).sum(1, keepdim=True)


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
    x = torch.as_tensor(np.where(empty[..., None], points[leaves[:, :1]], points[leaves]), dtype=torch.float32)
    real = torch.as_tensor(~empty, dtype=torch.float32)[..., None]  # (l, m, 1)
    v = torch.as_tensor(vectors[np.maximum(leaves, 0)], dtype=torch.float32) * real
    length = v.norm(dim=2, keepdim=True)
    centre = (x * real).sum(1) / real.sum(1)  # (l, 3)
    at = centre.double().numpy()
    near = torch.as_tensor(nearest(KDTree(at), at, k=min(NEAR, len(at)))[1]).view(len(at), -1)  # (l, c)
    with single_threaded():
        offsets = _offsets(x, near)
        for turn in range(outer):
            far = _far(x, v, centre, near, widths[1])  # (l, m, 4)
            step = DESCENT * (1 - turn / (outer - 1))
            for width in np.linspace(widths[0] if turn == 0 else widths[1], widths[1], inner):
                v = _near_round(v, real, near, offsets, far, float(width) ** 2, step, length)
    result = np.empty(points.shape)
    result[leaves[~empty]] = v.double().numpy()[~empty]
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


def _far(x: Tensor, v: Tensor, centre: Tensor, near: Tensor, width: float) -> Tensor:
    """(l, m, 4) winding number at x (l, m, 3), and minus its gradient, of the clusters (l, 3) that are not near.

    Clusters that follow one another are parts of a larger one. Beyond the nearest ones, a larger cluster is one vector.
    """
    size = min(GROUP, len(x))
    middle = centre.view(-1, size, 3).mean(1)  # (g, 3)
    around = torch.cdist(middle, middle).topk(min(AROUND, len(middle)), largest=False).indices
    total = v.sum(1)  # (l, 3)
    whole = total.view(-1, size, 3).sum(1)
    first = [_moments(centre, total), _moments(middle, whole)]
    second = [_second_moments(centre, total), _second_moments(middle, whole)]

    def part(group: int) -> Tensor:
        rows = slice(group * size, (group + 1) * size)
        close = torch.zeros(len(middle), dtype=torch.bool)
        close[around[group]] = close[near[rows].flatten() // size] = True
        single = close.repeat_interleave(size)

        def sources(of_clusters: Tensor, of_groups: Tensor) -> Tensor:
            return torch.cat([of_clusters[single], of_groups[~close]])

        at, source = x[rows].reshape(-1, 3), sources(centre, middle)
        square = ((at * at).sum(1)[:, None] + (source * source).sum(1) - 2 * at @ source.T).clamp_(min=0)
        inverse = torch.rsqrt(square + width**2)
        kernel = inverse**3
        beside = (single.cumsum(0) - 1)[near[rows]]  # columns of the near clusters
        kernel.view(*x[rows].shape[:2], -1).scatter_(2, beside[:, None].expand(-1, x.shape[1], -1), 0.0)
        sums = kernel @ sources(*first)
        kernel.mul_(inverse).mul_(inverse)
        outward = sums[:, :3] - 3 * _slope(kernel @ sources(*second), at)
        return torch.cat([_winding(sums, at)[:, None], outward], 1).view(*x[rows].shape[:2], 4)

    return torch.cat(parallel_map(part, range(len(middle))))


def _near_round(
    v: Tensor, real: Tensor, near: Tensor, offsets: list[Tensor], far: Tensor, square: float, share: float,
    length: Tensor,
) -> Tensor:  # fmt: skip
    """Vectors v (l, m, 3) after one round, in which the clusters `near` (l, c) change and `far` (l, m, 4) does not.

    real: (l, m, 1), 0 for padding. offsets: of `_offsets`. share: fraction of the optimal step of descent. length:
    (l, m, 1) around which lengths stay.
    """
    lanes = list(zip(ranges(len(v), LANE), offsets, strict=True))

    def around(values: Tensor, rows: slice) -> Tensor:  # (l, 3 or 1, c m): the values of a cluster's near points
        return values[near[rows]].flatten(1, 2).transpose(1, 2)

    def kernel(lane: tuple[slice, Tensor]) -> tuple[slice, Tensor, Tensor, Tensor, Tensor]:
        inverse = (lane[1].square().sum(2) + square).rsqrt_()  # (l, m, c m)
        cube = inverse * inverse * inverse
        return *lane, inverse, cube, lane[1] * cube[:, :, None]

    blocks = parallel_map(kernel, lanes)

    def winding(u: Tensor) -> Tensor:  # (l, m, 1)
        def part(block: tuple[slice, Tensor, Tensor, Tensor, Tensor]) -> Tensor:
            return block[4].flatten(2) @ around(u, block[0]).flatten(1)[..., None]

        return torch.cat(parallel_map(part, blocks)) * real

    if share > 0:
        left = (winding(v) + far[..., :1] - 0.5) * real

        def transposed(block: tuple[slice, Tensor, Tensor, Tensor, Tensor]) -> Tensor:
            sums = block[4].flatten(1, 2) @ around(left, block[0]).transpose(1, 2)
            return -sums.view(*block[4].shape[:3])

        gradient = torch.cat(parallel_map(transposed, blocks)) * real
        along = winding(gradient)
        v = v - gradient * (share * (left * along).sum() / (along * along).sum().clamp(min=1e-30))

    def turned(block: tuple[slice, Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        rows, offset, inverse, cube, weighted = block
        u = around(v, rows)
        flat = cube @ u.transpose(1, 2)
        slope = (weighted * u[:, None]).sum(2).mul_(inverse).mul_(inverse)  # (l, m, c m)
        return flat - 3 * (offset @ slope[..., None])[..., 0]

    outward = torch.nn.functional.normalize(torch.cat(parallel_map(turned, blocks)) + far[..., 1:], dim=2)
    return outward * torch.minimum(torch.maximum(v.norm(dim=2, keepdim=True), length / LONGER), length * LONGER)


def _offsets(x: Tensor, near: Tensor) -> list[Tensor]:
    """From each point of x (l, m, 3) to the points of the clusters `near` (l, c): (LANE, m, 3, c m) each."""

    def part(rows: slice) -> Tensor:
        there = x[near[rows]].flatten(1, 2).transpose(1, 2)[:, None]
        return there - x[rows][..., None]

    return parallel_map(part, ranges(len(x), LANE))
