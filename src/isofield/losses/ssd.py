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
    forward, here = [band.neighbours(axis) for axis in range(3)], np.arange(len(band.nodes))

    def differences(stencil: Sequence[np.ndarray], coefficients: Sequence[float]) -> Rows:
        """Coefficients (k,) times the nodes of a stencil, k rows (n,) each, where all of them are present."""
        nodes = np.stack(stencil, 1)
        present = (nodes >= 0).all(1)
        rows = weight[present, None] * np.array(coefficients)
        return _sparse(nodes[present], rows, len(weight)), np.zeros(len(rows))

    for ahead in forward:
        behind = np.full(len(here) + 1, -1)
        behind[ahead[:-1]] = here
        yield differences([behind[:-1], here, ahead[:-1]], [1.0, -2.0, 1.0])
    root = float(np.sqrt(2))
    for a, b in ((0, 1), (0, 2), (1, 2)) if mixed else ():
        along, across = forward[a][:-1], forward[b][:-1]
        yield differences([here, along, across, forward[b][along]], [root, -root, -root, root])


def value_rows(weight: np.ndarray, value: np.ndarray) -> Rows:
    """f = value at the nodes, both (n,); only where weight (n,) is positive."""
    used = np.flatnonzero(weight > 0)
    return _sparse(used[:, None], weight[used, None], len(weight)), (weight * value)[used]


def _sparse(columns: np.ndarray, weights: np.ndarray, unknowns: int) -> csr_matrix:
    """Matrix of one row a stencil: columns, weights (m, k)."""
    start = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    data = np.ascontiguousarray(weights, np.float32).ravel()
    return csr_matrix((data, np.ascontiguousarray(columns, np.int32).ravel(), start), shape=(len(columns), unknowns))
