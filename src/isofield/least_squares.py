"""Sparse linear least squares, the same bytes on any number of threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from isofield.threads import parallel_map


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
