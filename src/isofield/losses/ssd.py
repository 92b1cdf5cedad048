"""The energy of the smoothed signed distance (Calakli and Taubin 2011) as normal equations of its nodes.

The unknowns u are the values at a band's nodes in units of its cells, so that gradients are differences. The energy is
a sum of squares |A u - b|^2. A row of A has the nodes of one cell, or of one second difference, and these are at most
two steps apart: A'A has a fixed number of offsets, and is summed offset by offset without A. Conjugate gradients solve
for u, with the same bytes on any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from scipy.sparse import csr_matrix

from isofield.fields.sparse_levels import Band
from isofield.threads import parallel_map, ranges
from isofield.types import CORNERS

OFFSETS = [
    *((i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1) if (i, j, k) >= (0, 0, 0)),
    (0, 0, 2), (0, 2, 0), (2, 0, 0),
]  # fmt: skip
"""Steps from a node to those that it shares a row with, and not the opposite ones: A'A is symmetric."""
SLOT: dict[tuple[int, ...], int] = {offset: slot for slot, offset in enumerate(sorted(OFFSETS))}
"""The place of each offset; with their opposites before them, the offsets are in the order of the nodes."""
PAIRS = {
    slot: [(c, d) for c in range(8) for d in range(c, 8) if tuple((CORNERS[d] - CORNERS[c]).tolist()) == offset]
    for offset, slot in SLOT.items()
}
"""Pairs of corners of a cell that lie an offset apart, by its place."""
ROWS, BUILT, SUMMED = 65_536, 4096, 1024
"""Rows of the matrix that one thread multiplies at a time, that it builds at a time, and cells whose points it sums:
these stay in its cache."""


@final
class Energy:
    """A'A and A'b of an energy |A u - b|^2 of a band with n nodes; every term adds its own.

    entries: (o, n) float64, entry (s, i) of node i and the one at offset s from it. right: (n,) A'b.
    """

    def __init__(self, band: Band) -> None:
        self.band = band
        self.entries = np.zeros((len(SLOT), len(band.nodes)))
        self.right = np.zeros(len(band.nodes))

    def add_points(self, points: np.ndarray, normals: np.ndarray, deviation: np.ndarray, of_normals: float) -> None:
        """f(p) = 0 and grad f(p) = n at points and normals (n, 3) in cells of the band.

        deviation: (n,) of the points, in their units; of_normals: that of the normals, as vectors of length 1.
        """
        cell, part = _parts(self.band, points)
        slope = np.where(CORNERS == 1, 1.0, -1.0)[None]  # (1, 8, 3)
        rows = [part.prod(2) * (self.band.h / deviation)[:, None]]
        for axis in range(3):
            others = [a for a in range(3) if a != axis]
            rows.append(slope[:, :, axis] * part[:, :, others].prod(2) / of_normals)
        value = np.concatenate([np.zeros((len(points), 1)), normals / of_normals], 1)
        self._add_rows(cell, np.stack(rows, 1), value)

    def add_samples(self, points: np.ndarray, value: np.ndarray, precision: np.ndarray) -> None:
        """f(x) = value at points (n, 3) in cells of the band, each with its precision; value, precision (n,)."""
        cell, part = _parts(self.band, points)
        self._add_rows(cell, (part.prod(2) * precision[:, None])[:, None], (value * precision)[:, None])

    def add_values(self, weight: np.ndarray, value: np.ndarray) -> None:
        """f = value at the nodes, with weights, both (n,)."""
        self.entries[SLOT[0, 0, 0]] += np.square(weight)
        self.right += np.square(weight) * value

    def add_hessian(self, weight: np.ndarray, mixed: bool = True) -> None:
        """Second differences along the axes, and (`mixed`) across them, times sqrt 2, are 0 wherever the band has the
        nodes; weight: (n,) at each node."""
        diagonal, square = self.entries[SLOT[0, 0, 0]], np.square(weight)
        ahead, behind = self.band.ahead, self.band.behind
        for unit, after, before in zip(np.eye(3, dtype=int), ahead, behind, strict=True):
            w = np.append(np.where((after[:-1] >= 0) & (before[:-1] >= 0), square, 0), 0)  # 0 for the missing row -1
            here, at_after = w[:-1], w[after[:-1]]
            diagonal += 4 * here + at_after + w[before[:-1]]
            self.entries[SLOT[tuple(unit)]] -= 2 * (here + at_after)
            self.entries[SLOT[tuple(2 * unit)]] += at_after
        for a, b in ((0, 1), (0, 2), (1, 2)) if mixed else ():
            along, across = ahead[a][:-1], ahead[b][:-1]
            w = np.append(np.where((along >= 0) & (across >= 0) & (ahead[b][along] >= 0), 2 * square, 0), 0)
            here, below = w[:-1], w[behind[a][:-1]]
            left = np.append(w[behind[b][:-1]], 0)
            diagonal += here + below + left[:-1] + left[behind[a][:-1]]
            one, other = np.eye(3, dtype=int)[[a, b]]
            self.entries[SLOT[tuple(one)]] -= here + left[:-1]
            self.entries[SLOT[tuple(other)]] -= here + below
            self.entries[SLOT[tuple(one + other)]] += here
            self.entries[SLOT[tuple(one - other)]] += left[:-1]

    def matrix(self, free: np.ndarray | None = None) -> list[csr_matrix]:
        """A'A (n, n) as blocks of rows; of nodes that are not free, (n,) bool, only the diagonal."""
        count, zero = len(self.band.nodes), SLOT[0, 0, 0]
        offsets = {slot: offset for offset, slot in SLOT.items() if slot != zero}

        def neighbours(slot: int) -> tuple[np.ndarray, np.ndarray]:
            to, back = self._moved(offsets[slot]), np.full(count, -1, np.int32)
            there = np.flatnonzero((to >= 0) & (self.entries[slot] != 0))
            back[to[there]] = there
            return to, back

        found = dict(zip(offsets, parallel_map(neighbours, offsets), strict=True))

        def built(first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            rows, middle = slice(first, last), len(SLOT) - 1
            columns = np.empty((last - first, 2 * middle + 1), np.int32)
            values = np.empty(columns.shape)
            columns[:, middle], values[:, middle] = np.arange(first, last), self.entries[zero, rows]
            for slot, (to, back) in found.items():
                columns[:, middle + slot], values[:, middle + slot] = to[rows], self.entries[slot, rows]
                columns[:, middle - slot], values[:, middle - slot] = back[rows], self.entries[slot][back[rows]]
            used = (columns >= 0) & (values != 0)
            if free is not None:
                used[~free[rows]] = False
            used[:, middle] = True
            return values[used], columns[used], used.sum(1, dtype=np.int32)

        def block(rows: slice) -> csr_matrix:
            parts = [built(first, min(first + BUILT, rows.stop)) for first in range(rows.start, rows.stop, BUILT)]
            values, columns, number = (np.concatenate(part) for part in zip(*parts, strict=True))
            start = np.append(0, np.cumsum(number)).astype(np.int32)
            return csr_matrix((values, columns, start), shape=(len(number), count))

        return parallel_map(block, ranges(count, ROWS))

    def _moved(self, offset: tuple[int, ...]) -> np.ndarray:
        """(n,) rows of the nodes at an offset from each, or -1; steps ahead come first, since these stay in a cell."""
        row = np.arange(len(self.band.nodes), dtype=np.int32)
        for sign, step in ((1, self.band.ahead), (-1, self.band.behind)):
            for axis in range(3):
                for _ in range(max(sign * offset[axis], 0)):
                    row = step[axis][row]
        return row

    def _add_rows(self, cell: np.ndarray, weights: np.ndarray, value: np.ndarray) -> None:
        """Rows of weights (n, r, 8) at the corners of cells (n,), with their right sides (n, r)."""
        if not len(cell):
            return
        order = np.argsort(cell, kind="stable")
        first = np.flatnonzero(np.diff(cell[order], prepend=-1))
        corners = self.band.corners[cell[order][first]]  # (m, 8)
        end = np.append(first, len(cell))

        def summed(cells: slice) -> tuple[np.ndarray, np.ndarray]:
            start = end[cells.start]
            rows, groups = order[start : end[cells.stop]], first[cells] - start
            w = weights[rows]
            square, right = np.einsum("nrc,nrd->ncd", w, w), np.einsum("nrc,nr->nc", w, value[rows])
            return np.add.reduceat(square, groups), np.add.reduceat(right, groups)

        parts = parallel_map(summed, ranges(len(first), SUMMED))
        square, right = (np.concatenate(part) for part in zip(*parts, strict=True))
        for c in range(8):
            self.right[corners[:, c]] += right[:, c]

        def add(slot: int) -> None:
            for c, d in PAIRS[slot]:
                self.entries[slot][corners[:, c]] += square[:, c, d]

        parallel_map(add, PAIRS)


def interpolation(band: Band, points: np.ndarray) -> csr_matrix:
    """(m, n) float32: the values of a band's field at points (m, 3) in its cells, from those at its n nodes."""
    cell, part = _parts(band, points)
    start = np.arange(0, 8 * len(points) + 1, 8, dtype=np.int32)
    data = part.prod(2).astype(np.float32).ravel()
    return csr_matrix((data, band.corners[cell].ravel(), start), shape=(len(points), len(band.nodes)))


def _parts(band: Band, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (n,) of the cells around points (n, 3), and along each axis their corners' linear weights (n, 8, 3)."""
    index, t = band.locate(points)
    row = np.searchsorted(band.cells, np.ravel_multi_index(tuple(index.T), tuple(band.counts)))
    return row, np.where(CORNERS[None] == 1, t[:, None], 1 - t[:, None])


def conjugate_gradients(
    blocks: Sequence[csr_matrix], right: np.ndarray, start: np.ndarray, free: np.ndarray, iterations: int
) -> np.ndarray:
    """argmin_u u'M u - 2 right'u near `start`, by conjugate gradients with Jacobi preconditioning.

    Hestenes and Stiefel 1952. M is symmetric and positive: of least squares, A'A and right = A'b. blocks: of its rows,
    each (m, n) float64, since the condition of A'A is the square of A's; vectors are float32. right, start: (n,).
    free: (n,) bool; other unknowns keep their start, and their rows are not read. iterations: how many steps. Returns
    (n,) float32.
    """
    mask = free.astype(np.float32)
    firsts = np.cumsum([0, *(block.shape[0] for block in blocks)])
    diagonal = np.concatenate([block.diagonal(first) for block, first in zip(blocks, firsts, strict=False)])
    inverse = mask / np.maximum(diagonal, 1e-12).astype(np.float32)

    def normal(u: np.ndarray) -> np.ndarray:
        exact = u.astype(np.float64)  # once, not in each block
        return np.concatenate(parallel_map(lambda block: (block @ exact).astype(np.float32), blocks)) * mask

    u = start.astype(np.float32).copy()
    s = right.astype(np.float32) * mask - normal(u)
    z = s * inverse
    p = z.copy()
    gamma = _dot(s, z)
    for _ in range(iterations):
        q = normal(p)
        curvature = _dot(p, q)
        if gamma <= 1e-30 or curvature <= 1e-30:
            break
        alpha = np.float32(gamma / curvature)
        u += alpha * p
        s -= alpha * q
        z = s * inverse
        gamma, previous = _dot(s, z), gamma
        p = z + np.float32(gamma / previous) * p
    return u


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products in float64; einsum, because a BLAS splits its sums by its number of threads."""
    return float(np.einsum("i,i->", a, b, dtype=np.float64))
