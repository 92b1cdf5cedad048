"""Denoising: points are projected onto the surface that they scatter around."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.normals import Oriented
from isofield.stopwatch import stage
from isofield.threads import parallel_map, ranges

NEIGHBOURS = 24, 64
"""Number of neighbours if the noise is below the spacing, and if it is above: their mean reduces it by about the square
root of their number."""
REACH = 0.007
"""Widest kernel, as a fraction of the longest side of the box: beyond it, points differ by shape, not by noise."""
NOISE_REACH = 1.9
"""The kernel may be this many deviations of the noise wide, if that is more: closer points differ by noise alone."""
AGREEMENT = 8
"""Power of the cosine between two normals in the weight of a neighbour: it excludes points beyond a sharp edge."""
APART = 3.0
"""Neighbours count by exp(-1/2) at a height of this many deviations of the noise above the point, and less the higher
they are: they differ by shape, as a tree does from the ground beside it."""
ROUNDS = 2


def denoise(oriented: Oriented) -> Oriented:
    """Oriented points after `denoised`, with their noise."""
    return replace(oriented, points=denoised(oriented.points, oriented.normals, oriented.median_noise))


@stage("denoising")
def denoised(points: np.ndarray, normals: np.ndarray, noise: float) -> np.ndarray:
    """(n, 3) points moved along their normals, consistently oriented and of unit length, towards their common surface.

    noise: standard deviation of the points off the surface, in their units. A point moves by the weighted mean of
    (p_j - p_i) . (n_i + n_j) / 2 over its neighbours. On a plane that is the height of the neighbours above it; on a
    sphere it is zero, so that curved surfaces do not shrink as they do under plain averages. The weights are those of
    the bilateral filter (Tomasi and Manduchi 1998; of point sets: Fleishman et al. 2003): they fall with the distance
    and with the height.
    """
    x = np.asarray(points, np.float64)
    tree = KDTree(x)
    spacing = float(np.median(nearest(tree, x[:: max(1, len(x) // 10_000)], k=[2])[0]))
    count = min(NEIGHBOURS[noise > 0.9 * spacing], len(x))
    widest = max(REACH * float(np.ptp(x, axis=0).max()), NOISE_REACH * noise)
    distance, index = nearest(tree, x, k=count)
    for _ in range(ROUNDS):
        moved = partial(_moved, x, normals, index, distance, widest, max(APART * noise, 1e-30))
        x = np.concatenate(parallel_map(moved, ranges(len(x), 4096)))
    return x


def _moved(
    x: np.ndarray,
    normals: np.ndarray,
    index: np.ndarray,
    distance: np.ndarray,
    widest: float,
    apart: float,
    rows: slice,
) -> np.ndarray:
    """The points x[rows] after one round; index, distance: the neighbours of all points, (n, k). widest: the greatest
    width of the kernel. apart: the height at which neighbours count by exp(-1/2)."""
    index, distance = index[rows], distance[rows]
    width = np.clip(distance[:, -1:] / 2, 1e-30, widest)
    agree = np.einsum("nkd,nd->nk", normals[index], normals[rows]).clip(0)
    weight = np.exp(-((distance / width) ** 2) / 2) * agree**AGREEMENT
    between = (normals[index] + normals[rows][:, None]) / 2  # (m, k, 3)
    height = np.einsum("nkd,nkd->nk", x[index] - x[rows][:, None], between)
    weight *= np.exp(-((height / apart) ** 2) / 2)
    weight /= weight.sum(1, keepdims=True)
    return x[rows] + (weight * height).sum(1, keepdims=True) * normals[rows]
