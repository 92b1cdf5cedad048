"""The terms of the smoothed signed distance (Calakli and Taubin 2011) as rows of a linear least squares problem.

The unknowns are the values at a band's nodes in units of its cells, so that gradients are differences. Each term gives
pairs of a sparse matrix (rows, nodes) and its right side (rows,).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from isofield.fields.sparse_levels import Band
from isofield.types import CORNERS

Rows = tuple[csr_matrix, np.ndarray]


def value_and_normal_rows(
    band: Band, points: np.ndarray, normals: np.ndarray, deviation: np.ndarray, normal_deviation: float
) -> Iterator[Rows]:
    """f(p) = 0 and grad f(p) = n at points and normals (n, 3).

    deviation: (n,) of the points, in their units; normal_deviation: of the normals, as vectors of length 1.
    """
    corner, part = _corners(band, points)
    unknowns = len(band.nodes)
    slope = np.where(CORNERS == 1, 1.0, -1.0)[None]  # (1, 8, 3)
    precision = band.h / deviation
    yield _sparse(corner, part.prod(2) * precision[:, None], unknowns), np.zeros(len(points))
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        weight = slope[:, :, axis] * part[:, :, others].prod(2) / normal_deviation
        yield _sparse(corner, weight, unknowns), normals[:, axis] / normal_deviation


def sampled_rows(band: Band, points: np.ndarray, value: np.ndarray, precision: np.ndarray) -> Rows:
    """f(x) = value at points (n, 3), each with its precision; value, precision (n,)."""
    corner, part = _corners(band, points)
    return _sparse(corner, part.prod(2) * precision[:, None], len(band.nodes)), value * precision


def _corners(band: Band, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nodes (n, 8) around points (n, 3), and along each axis their linear weights (n, 8, 3)."""
    index, t = band.locate(points)
    row = np.searchsorted(band.cells, np.ravel_multi_index(tuple(index.T), tuple(band.counts)))
    return band.corners[row], np.where(CORNERS[None] == 1, t[:, None], 1 - t[:, None])


def hessian_rows(band: Band, weight: np.ndarray, mixed: bool = True) -> Iterator[Rows]:
    """Second differences along the axes, and (`mixed`) across them, times sqrt 2, wherever the band has the nodes.

    weight: (n,) at each node.
    """
    index, counts, lookup = band.index, band.counts, band.lookup()
    strides = np.array([(counts[1] + 1) * (counts[2] + 1), counts[2] + 1, 1])

    def differences(at: np.ndarray, offsets: Sequence[int | np.integer], coefficients: np.ndarray) -> Rows:
        """Coefficients (k,) times the nodes whose keys lie `offsets` (k,) from those of nodes `at`."""
        stencil = np.stack([lookup[band.nodes[at] + offset] for offset in offsets], 1)
        present = (stencil >= 0).all(1)
        rows = weight[at[present], None] * coefficients
        return _sparse(stencil[present], rows, len(band.nodes)), np.zeros(len(rows))

    for axis in range(3):
        inner = np.flatnonzero((index[:, axis] > 0) & (index[:, axis] < counts[axis]))
        yield differences(inner, [s * strides[axis] for s in (-1, 0, 1)], np.array([1.0, -2.0, 1.0]))
    for a, b in ((0, 1), (0, 2), (1, 2)) if mixed else ():
        inner = np.flatnonzero((index[:, a] < counts[a]) & (index[:, b] < counts[b]))
        offsets = [0, strides[a], strides[b], strides[a] + strides[b]]
        yield differences(inner, offsets, np.sqrt(2) * np.array([1.0, -1.0, -1.0, 1.0]))


def value_rows(weight: np.ndarray, value: np.ndarray) -> Rows:
    """f = value at the nodes, both (n,); only where weight (n,) is positive."""
    used = np.flatnonzero(weight > 0)
    return _sparse(used[:, None], weight[used, None], len(weight)), (weight * value)[used]


def _sparse(columns: np.ndarray, weights: np.ndarray, unknowns: int) -> csr_matrix:
    """Matrix of one row a stencil: columns, weights (m, k)."""
    start = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    data = np.ascontiguousarray(weights, np.float32).ravel()
    return csr_matrix((data, np.ascontiguousarray(columns, np.int32).ravel(), start), shape=(len(columns), unknowns))
