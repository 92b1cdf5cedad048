"""Points moved back onto the surface that they scatter about, by what their neighbours say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.points.normals import Oriented
from isofield.threads import ranges

NEIGHBOURS = 24, 64
"""Neighbours that decide together, where the noise is below the spacing and where it is above: it falls by about the
square root of their number."""
REACH = 0.007
"""Widest kernel, as a share of the box's longest side: what points farther apart differ by is shape and not noise."""
NOISE_REACH = 1.9
"""In noise so many deviations are allowed, if that is wider: closer points differ by noise alone."""
AGREEMENT = 8
"""Power of the cosine between two normals in a neighbour's weight: points beyond a sharp edge hardly count."""
ROUNDS = 2


def denoise(oriented: Oriented) -> Oriented:
    """The same, its points moved to where their neighbours say that the surface is (`denoised`)."""
    return replace(oriented, points=denoised(oriented.points, oriented.normals, oriented.usual_noise))


def denoised(points: np.ndarray, normals: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """(n, 3) points moved along their normals, of unit length and with consistent sides, towards the common surface.

    noise: the points' standard deviation off the surface, in their units. A point moves by the weighted mean of
    (p_j - p_i) . (n_i + n_j) / 2 over its neighbours. On a plane that is how far the others lie above it; on a sphere
    it is zero, so that curved surfaces do not shrink as with plain averages.
    """
    x = np.asarray(points, np.float64)
    tree = cKDTree(x)
    spacing = float(np.median(nearest(tree, x[:: max(1, len(x) // 10_000)], k=[2])[0]))
    count = min(NEIGHBOURS[noise > 0.9 * spacing], len(x))
    widest = max(REACH * float(np.ptp(x, axis=0).max()), NOISE_REACH * noise)
    distance, index = nearest(tree, x, k=count)
    for _ in range(ROUNDS):
        x = np.concatenate([_moved(x, normals, index[r], distance[r], widest, r) for r in ranges(len(x), 20_000)])
    return x


def _moved(x, normals, index, distance, widest: float, rows: slice) -> np.ndarray:
    """The points x[rows] after one round; index, distance: their neighbours, (m, k)."""
    width = np.clip(distance[:, -1:] / 2, 1e-30, widest)
    agree = np.einsum("nkd,nd->nk", normals[index], normals[rows]).clip(0)
    weight = np.exp(-((distance / width) ** 2) / 2) * agree**AGREEMENT
    weight /= weight.sum(1, keepdims=True)
    between = (normals[index] + normals[rows][:, None]) / 2  # (m, k, 3)
    above = np.einsum("nkd,nkd->nk", x[index] - x[rows][:, None], between)
    return x[rows] + (weight * above).sum(1, keepdims=True) * normals[rows]
