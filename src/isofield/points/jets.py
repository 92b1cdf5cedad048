"""Normals and noise from patches h(u, v), quadrics through the neighbours of each point, whose weights fall with the
distance and with the angle between the normals, so that a patch ends at an edge (Cazals and Pouget, "Estimating
Differential Quantities Using Polynomial Fitting of Osculating Jets", 2005)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.local_pca import LOW, Neighbourhoods, quadratic_terms, tangents
from isofield.threads import parallel_map, ranges

COUNTS = np.array([10, 12, 16, 24, 32, 48, 64, 96, 128])
"""Possible numbers of neighbours of a patch."""
FIRST, FIRST_POWER = 24, 4
"""Neighbours of the first patch, from which the noise is estimated, and the power of the cosine in its weights."""
PER_RATIO = 300.0
"""Neighbours beyond the fewest, per (noise / spacing)^2."""
MOST = 16_000_000
"""At most this many pairs of a point and a neighbour."""
WIDTH = 0.9
"""Width of the Gaussian weights, as a fraction of the distance to the farthest neighbour."""
POWERS = (2, 4, 8, 8)
"""Power of the cosine between two normals in the weight of a neighbour, in each round: it rises as they improve."""
LEAST, RIDGE = 1e-6, 1e-3
"""Regularization of the plane, above the rounding of float32, and of the curvature, where a patch barely determines
it; lengths in kernel widths. Half of it applies to u v, so that the sum is the squared norm of the Hessian in any axes.
"""
SPREAD = 2.0
"""The noise of a point is clipped to within this factor of the noise of the cloud."""


@dataclass(frozen=True)
class Jets:
    """Results at each point: normals (n, 3) of unit length, oriented as given, and noise (n,), the standard deviation
    of the points off the surface in their units."""

    normals: np.ndarray
    noise: np.ndarray


def fit_jets(
    points: np.ndarray, normals: np.ndarray, noise: float | None = None, near: Neighbourhoods | None = None
) -> Jets:
    """Normals and noise of points (n, 3) from oriented normals (n, 3) of unit length.

    noise: standard deviation of the points off the surface, or None to estimate it. Each of several rounds weights
    neighbours with the normals of the previous one. near: the neighbours of the points, if they were computed before.
    """
    tree, few = KDTree(points), min(FIRST, len(points))
    if near is None or near.index.shape[1] < few:
        distance, index = nearest(tree, points, k=few)
    else:
        distance, index = near.distance[:, :few], near.index[:, :few]
    spacing = distance[:, min(6, len(points) - 1)] * np.sqrt(np.pi / 6)  # side of a square with the area of a point

    def local(residual: np.ndarray) -> np.ndarray:
        if noise is not None:
            return np.full(len(points), noise)
        typical = float(np.quantile(residual, LOW))
        return np.clip(np.quantile(residual[index], LOW, axis=1), typical / SPREAD, typical * SPREAD)

    residual = _round(points, normals, [(np.arange(len(points)), index, distance)], FIRST_POWER)[1]
    deviation = local(residual)
    wanted = COUNTS[0] + PER_RATIO * np.square(deviation / np.maximum(spacing, 1e-300))
    most = min(MOST // len(points), len(points))
    kind = np.abs(np.log(COUNTS / np.minimum(wanted, max(most, COUNTS[0]))[:, None])).argmin(1)
    groups = []
    for number in np.unique(kind):
        rows = np.flatnonzero(kind == number)
        count = min(int(COUNTS[number]), len(points))
        if count <= few:
            groups.append((rows, index[rows, :count], distance[rows, :count]))
        else:
            far, closest = nearest(tree, points[rows], k=count)
            groups.append((rows, closest, far))
    for power in POWERS:
        normals, residual = _round(points, normals, groups, power)
    return Jets(normals, local(residual))


def _round(
    points: np.ndarray, normals: np.ndarray, groups: list[tuple[np.ndarray, np.ndarray, np.ndarray]], power: int
) -> tuple[np.ndarray, np.ndarray]:
    """New normals (n, 3) and residuals (n,).

    groups: points with the same number of neighbours, as (rows (m,), index (m, k), distance (m, k)).
    """
    result, residual = normals.copy(), np.empty(len(points))
    for rows, index, distance in groups:
        parts = [(rows[p], index[p], distance[p]) for p in ranges(len(rows), max(256, 200_000 // index.shape[1]))]
        fitted = parallel_map(lambda part: _patches(points, normals, *part, power), parts)
        result[rows] = np.concatenate([part[0] for part in fitted])
        residual[rows] = np.concatenate([part[1] for part in fitted])
    return result, residual


def _patches(
    points: np.ndarray, normals: np.ndarray, at: np.ndarray, index: np.ndarray, distance: np.ndarray, power: int
) -> tuple[np.ndarray, np.ndarray]:
    """Normals (m, 3) and residuals (m,) of the weighted patches h(u, v) around points[at] through points[index]."""
    n = normals[at]
    width = np.maximum(distance[:, -1:] * WIDTH, 1e-300)
    a, b = tangents(n)
    offset = [((c[index] - c[at][:, None]) / width).astype(np.float32) for c in np.ascontiguousarray(points.T)]
    around = [c[index] for c in np.ascontiguousarray(normals.T, np.float32)]
    weight = np.exp(-np.square((distance / width).astype(np.float32))) * _along(around, n).clip(0) ** power
    weight /= weight.sum(1, keepdims=True)
    u, v, h = (_along(offset, axis) for axis in (a, b, n))
    terms = quadratic_terms(u, v)  # (m, 6, k)
    weighted = terms * weight[:, None]
    square = weighted @ terms.transpose(0, 2, 1) + np.diag([*[LEAST] * 3, RIDGE, RIDGE / 2, RIDGE])
    patch = np.linalg.solve(square, (weighted @ h[..., None]).astype(np.float64))[..., 0]  # (m, 6)
    new = n - patch[:, 1:2] * a - patch[:, 2:3] * b
    left = h - (patch[:, None].astype(np.float32) @ terms)[:, 0]
    count = 1 / np.square(weight).sum(1, dtype=np.float64)  # the effective number of neighbours
    freedom = np.maximum(count - patch.shape[1], 1) / count
    residual = np.sqrt((weight * left * left).sum(1, dtype=np.float64) / freedom) * width[:, 0]
    return new / np.linalg.norm(new, axis=1, keepdims=True), residual


def _along(vectors: list[np.ndarray], axis: np.ndarray) -> np.ndarray:
    """(m, k) float32 products of vectors, given by their three coordinates (m, k), with axes (m, 3)."""
    x, y, z = vectors
    first, second, third = axis.astype(np.float32).T[..., None]
    product: np.ndarray = x * first + y * second + z * third
    return product
