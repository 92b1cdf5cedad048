"""Sparse linear least squares, the same bytes on any number of threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, vstack

from isofield.threads import parallel_map, ranges

ROWS = 65_536
"""Rows of a matrix that one thread multiplies at a time."""


def least_squares(
    rows: Sequence[tuple[csr_matrix, np.ndarray]], start: np.ndarray, free: np.ndarray, iterations: int
) -> np.ndarray:
    """argmin_u sum |A u - b|^2 over the blocks (A, b) of rows, near `start`, by preconditioned conjugate gradients.

    Conjugate gradients on the normal equations A'A u = A'b (Hestenes and Stiefel 1952), Jacobi preconditioned. A'A is
    formed once: where rows have few unknowns, as those of finite differences, it has half the entries of A and A'. It
    is float64, since its condition is the square of A's; vectors are float32.
    rows: (m, n) float32 matrices with their right sides (m,). start: (n,). free: (n,) bool; other unknowns
    keep their start. iterations: how many steps. Returns (n,) float32.
    """
    matrix = vstack([a for a, _ in rows], format="csr", dtype=np.float64)
    back = matrix.T.tocsr()
    parts = ranges(back.shape[0], ROWS)
    product = parallel_map(lambda part: back[part] @ matrix, parts)
    mask = free.astype(np.float32)
    diagonal = np.concatenate([a.diagonal(part.start) for a, part in zip(product, parts, strict=True)])
    inverse = mask / np.maximum(diagonal, 1e-12).astype(np.float32)

    def normal(u: np.ndarray) -> np.ndarray:
        return np.concatenate(parallel_map(lambda a: (a @ u).astype(np.float32), product)) * mask

    right = (back @ np.concatenate([b for _, b in rows])).astype(np.float32)
    del matrix, back
    u = start.astype(np.float32).copy()
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


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products in float64; einsum, because a BLAS splits its sums by its number of threads."""
    return float(np.einsum("i,i->", a, b, dtype=np.float64))
