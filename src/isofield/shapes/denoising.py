"""Points moved back onto the surface that they scatter about, by what their neighbours say."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

NEIGHBOURS = 24
"""Neighbours that decide together: noise falls by about the square root of their number."""
REACH = 0.007
"""Widest kernel, as a share of the box's longest side: what points farther apart differ by is shape and not noise."""
AGREEMENT = 8
"""Power of the cosine between two normals in a neighbour's weight: points beyond a sharp edge hardly count."""
ROUNDS = 2


def denoised(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(n, 3) points moved along their normals, of unit length and with consistent sides, towards the common surface.

    A point moves by the weighted mean of (p_j - p_i) . (n_i + n_j) / 2 over its neighbours. On a plane that is how far
    the others lie above it; on a sphere it is zero, so that curved surfaces do not shrink as with plain averages.
    """
    x = np.asarray(points, np.float64)
    distance, index = cKDTree(x).query(x, k=min(NEIGHBOURS, len(x)), workers=-1)
    width = np.clip(distance[:, -1:] / 2, 1e-30, REACH * np.ptp(x, axis=0).max())
    agree = np.einsum("nkd,nd->nk", normals[index], normals).clip(0)
    weight = np.exp(-((distance / width) ** 2) / 2) * agree**AGREEMENT
    weight /= weight.sum(1, keepdims=True)
    between = (normals[index] + normals[:, None]) / 2  # (n, k, 3)
    for _ in range(ROUNDS):
        above = np.einsum("nkd,nkd->nk", x[index] - x[:, None], between)
        x = x + (weight * above).sum(1, keepdims=True) * normals
    return x
