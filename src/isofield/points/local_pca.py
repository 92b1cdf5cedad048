"""Local principal components of points: unoriented normals, flatness, noise and spacing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.threads import ranges

NEIGHBOURS = 16
"""Size of a neighbourhood whose principal components give the normal, if the noise is small."""
WIDER = (32, 64)
"""Sizes of neighbourhoods for points whose noise is large compared with the extent of the smaller ones."""
QUADRIC = 20
"""Size of a neighbourhood whose distances from a quadric give the noise."""
LOW = 0.3
"""Quantile of those distances that gives the noise: those at edges, which no quadric fits, are above it."""
LOW_CHI = 0.88
"""That quantile for a deviation of 1, estimated from 20 points and six coefficients: sqrt(chi-square(14) / 14)."""
FLAT = 0.08
"""A neighbourhood is flat if its third principal component is below this fraction of the second."""
FLATTER = 0.7
"""A wider neighbourhood is used if it is flatter by this factor."""

MANY = 30_000
"""At most this many points are used to decide which parts of a surface were measured."""


@dataclass(frozen=True)
class Neighbourhoods:
    """Each point's nearest neighbours and the plane through them; lengths in the units of the points.

    index, distance: (n, k), the point itself first. normals: (n, 3) of unit length with arbitrary signs. noise: (n,)
    standard deviation of the neighbours off that plane. bend: (n,) deviation from flatness, 0 to 1.
    """

    index: np.ndarray
    distance: np.ndarray
    normals: np.ndarray
    noise: np.ndarray
    bend: np.ndarray


def neighbourhoods(points: np.ndarray) -> Neighbourhoods:
    """Planes through the neighbours of every point (n, 3).

    A plane means nothing if the points lie as far off the surface as they lie apart: if 16 neighbours are not flat, 32
    and 64 are tried, and the flattest neighbourhood is used.
    """
    tree = cKDTree(points)
    distance, index = nearest(tree, points, k=min(25, len(points)))
    normals, noise, bend = planes(points, index[:, :NEIGHBOURS])
    unclear = np.flatnonzero(bend > FLAT)
    for wider in WIDER:
        if len(unclear) == 0 or len(points) < 4 * wider:
            break
        _, more = nearest(tree, points[unclear], k=wider)
        wide = planes(points, more)
        better = wide[2] < bend[unclear] * FLATTER
        at = unclear[better]
        normals[at], noise[at], bend[at] = (values[better] for values in wide)
        unclear = unclear[bend[unclear] > FLAT]
    return Neighbourhoods(index, distance, normals, noise, bend)


def planes(points: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes through points[index], index (n, k): normals (n, 3), root mean square distances (n,), and bend (n,).

    Bend is the ratio of the third principal component to the second: 0 for a plane, 1 for a ball or a line.
    """
    normals, noise, bend = (np.empty((len(index), *tail)) for tail in ((3,), (), ()))
    for rows in ranges(len(index), 50_000):
        patch = points[index[rows]]  # (n, k, 3)
        patch = patch - patch.mean(1, keepdims=True)
        values, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", patch, patch))
        values = np.maximum(values, 0)
        normals[rows] = vectors[:, :, 0]
        noise[rows] = np.sqrt(values[:, 0] / (index.shape[1] - 3))
        bend[rows] = values[:, 0] / np.maximum(values[:, 1], 1e-300)
    return normals, noise, bend


def local_noise(points: np.ndarray, near: Neighbourhoods) -> np.ndarray:
    """(n,) standard deviation of points (n, 3) off the surface: the residual of a quadric through 20 neighbours.

    A low quantile over the neighbours is used, because no quadric fits an edge, clipped to within a factor of two of
    that of the whole cloud.
    """
    left = quadrics(points, points, near.normals, near.index[:, :QUADRIC])
    local = np.quantile(left[near.index[:, :QUADRIC]], LOW, axis=1) / LOW_CHI
    typical = float(np.quantile(left, LOW)) / LOW_CHI
    return np.clip(local, typical / 2, typical * 2)


def quadrics(at: np.ndarray, points: np.ndarray, normals: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(m,) root mean square distance of neighbours points[index], index (m, k), from the quadric that fits them best.

    The quadric is a height over the plane at each of `at` (m, 3) with `normals` (m, 3): six coefficients.
    """
    result = np.empty(len(at))
    for rows in ranges(len(at), 50_000):
        offset = points[index[rows]] - at[rows][:, None]  # (m, k, 3)
        frame = (*tangents(normals[rows]), normals[rows])
        u, v, w = (np.einsum("nkd,nd->nk", offset, axis) for axis in frame)
        reach = np.maximum(np.abs(offset).max((1, 2)), 1e-300)[:, None]
        u, v = u / reach, v / reach
        terms = quadratic_terms(u, v)
        square = np.einsum("nik,njk->nij", terms, terms) + 1e-6 * np.eye(6)
        best = np.linalg.solve(square, np.einsum("nik,nk->ni", terms, w)[..., None])[..., 0]
        left = w - np.einsum("nik,ni->nk", terms, best)
        result[rows] = np.sqrt(np.square(left).sum(1) / (index.shape[1] - 6))
    return result


def noise_level(points: np.ndarray) -> float:
    """Standard deviation of points (n, 3) off their surface, in their units, estimated from at most 20 000 of them."""
    points = np.asarray(points, np.float64)
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    _, index = nearest(cKDTree(points), points[chosen], k=QUADRIC)
    normals = planes(points, index[:, :NEIGHBOURS])[0]
    return float(np.quantile(quadrics(points[chosen], points, normals, index), LOW)) / LOW_CHI


def spacing(points: np.ndarray) -> float:
    """Median distance of points (n, 3) to their nearest neighbour, estimated from at most 20 000 of them."""
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    return float(np.median(nearest(cKDTree(points), points[chosen], k=[2])[0]))


def subsample(points: np.ndarray, distance: float) -> tuple[np.ndarray, float]:
    """Points (n, 3) and their spacing `distance`; of more than `MANY` points, a fixed random subset and its spacing.

    Which parts of a surface were measured is decided at that scale.
    """
    if len(points) <= MANY:
        return points, distance
    part = points[np.sort(np.random.default_rng(0).permutation(len(points))[:MANY])]
    return part, spacing(part)


def tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions a, b (n, 3) of unit length that form right-handed frames (a, b, n) with normals n (n, 3)."""
    a = np.cross(normals, np.eye(3)[np.abs(normals).argmin(1)])
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    return a, np.cross(normals, a)


def quadratic_terms(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(m, 6, k) terms 1, u, v, u^2, u v, v^2 of a quadric at u, v (m, k)."""
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)
