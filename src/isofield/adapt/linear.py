"""Sparse linear least squares, the same bytes on any number of threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from isofield.threads import parallel_map, ranges

ROWS = 65_536
"""Rows of a matrix that one thread multiplies at a time."""


def least_squares(
    rows: Sequence[tuple[csr_matrix, np.ndarray]], start: np.ndarray, free: np.ndarray, iterations: int
) -> np.ndarray:
    """argmin_u sum |A u - b|^2 over the blocks (A, b) of rows, near `start`, by preconditioned conjugate gradients.

    Conjugate gradients on the normal equations without forming A'A (Hestenes and Stiefel 1952), Jacobi preconditioned.
    rows: (m, n) float32 matrices with their right sides (m,). start: (n,). free: (n,) bool; other unknowns
    keep their start. iterations: how many steps. Returns (n,) float32.
    """
    rows = [(a, b) for a, b in rows if a.shape[0]]
    forward = [_chunks(a) for a, _ in rows]
    backward = [_chunks(a.T.tocsr()) for a, _ in rows]
    mask = free.astype(np.float32)
    diagonal = sum(np.asarray(a.multiply(a).sum(0), np.float32).ravel() for a, _ in rows)
    inverse = mask / np.maximum(diagonal, 1e-12)

    def normal(u: np.ndarray) -> np.ndarray:
        return sum(_product(b, _product(f, u)) for f, b in zip(forward, backward, strict=True)) * mask

    u = start.astype(np.float32).copy()
    right = sum(_product(back, b.astype(np.float32)) for (_, b), back in zip(rows, backward, strict=True))
    s = right * mask - normal(u)
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


def _chunks(a: csr_matrix) -> list[csr_matrix]:
    return [a[rows] for rows in ranges(a.shape[0], ROWS)]


def _product(chunks: list[csr_matrix], u: np.ndarray) -> np.ndarray:
    return np.concatenate(parallel_map(lambda a: a @ u, chunks))


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products in float64; einsum, because a BLAS splits its sums by its number of threads."""
    return float(np.einsum("i,i->", a, b, dtype=np.float64))
