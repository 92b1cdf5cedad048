"""What a point's neighbours say while sides are not known: a plane, how flat the surface is, its noise, its spacing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.threads import ranges

NEIGHBOURS = 16
"""Points of a neighbourhood whose principal components give the normal, where the noise is small."""
WIDER = (32, 64)
"""Neighbourhoods for points whose noise is not small beside the extent of the smaller ones."""
QUADRIC = 20
"""Points of a neighbourhood whose distance from a quadric tells the noise."""
LOW = 0.3
"""Quantile of those distances that tells the noise: edges, which no quadric fits, are above it."""
LOW_CHI = 0.88
"""That quantile of a deviation of 1 estimated from 20 points and six coefficients: the root of chi-square(14) / 14."""
FLAT = 0.08
"""Neighbourhoods below this share of the second principal component in the third are flat enough."""
FLATTER = 0.7
"""A wider neighbourhood counts where it is flatter by this factor."""

MANY = 30_000
"""Points by which it is judged how densely a surface was measured."""


@dataclass(frozen=True)
class Neighbourhoods:
    """Each point's nearest neighbours and the plane through them; lengths in the units of the points.

    index, distance: (n, k), the point itself first. normals: (n, 3) of unit length, sides arbitrary. noise: (n,)
    standard deviation of the neighbours off that plane. bend: (n,) how far from flat, 0 to 1.
    """

    index: np.ndarray
    distance: np.ndarray
    normals: np.ndarray
    noise: np.ndarray
    bend: np.ndarray


def neighbourhoods(points: np.ndarray) -> Neighbourhoods:
    """Planes through the neighbours of every point (n, 3).

    A plane through points that lie as far off the surface as they lie apart says nothing: where 16 neighbours are not
    flat, 32 and 64 are tried, and the flattest neighbourhood counts.
    """
    tree = cKDTree(points)
    distance, index = nearest(tree, points, k=min(25, len(points)))
    normals, noise, bend = planes(points, index[:, :NEIGHBOURS])
    unclear = np.flatnonzero(bend > FLAT)
    for wider in WIDER:
        if len(unclear) == 0 or len(points) < 4 * wider:
            break
        _, more = nearest(tree, points[unclear], k=wider)
        found, off, bent = planes(points, more)
        better = bent < bend[unclear] * FLATTER
        at = unclear[better]
        normals[at], noise[at], bend[at] = found[better], off[better], bent[better]
        unclear = unclear[bend[unclear] > FLAT]
    return Neighbourhoods(index, distance, normals, noise, bend)


def planes(points: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes through points[index], index (n, k): normals (n, 3), root mean square distance (n,), and how bent (n,).

    Bent is the least principal component's share of the second: 0 for a plane, 1 for a ball or a line.
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
    """(n,) standard deviation of points (n, 3) off the surface: what a quadratic patch through 20 neighbours leaves.

    A low quantile among the neighbours counts, because no quadric fits an edge, and it stays within a factor of two of
    the whole cloud's.
    """
    left = quadrics(points, points, near.normals, near.index[:, :QUADRIC])
    local = np.quantile(left[near.index[:, :QUADRIC]], LOW, axis=1) / LOW_CHI
    usual = float(np.quantile(left, LOW)) / LOW_CHI
    return np.clip(local, usual / 2, usual * 2)


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
    """Standard deviation of points (n, 3) off their surface, in their units, from at most 20 000 of them."""
    points = np.asarray(points, np.float64)
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    _, index = nearest(cKDTree(points), points[chosen], k=QUADRIC)
    normals = planes(points, index[:, :NEIGHBOURS])[0]
    return float(np.quantile(quadrics(points[chosen], points, normals, index), LOW)) / LOW_CHI


def spacing(points: np.ndarray) -> float:
    """Median distance of points (n, 3) to their nearest neighbour, from at most 20 000 of them."""
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    return float(np.median(nearest(cKDTree(points), points[chosen], k=[2])[0]))


def subsample(points: np.ndarray, usual: float) -> tuple[np.ndarray, float]:
    """Points (n, 3) and their spacing, `usual`; of more than `MANY` a random part of so many, always the same, with its
    own: judgements of how densely a surface was measured are made at that scale."""
    if len(points) <= MANY:
        return points, usual
    part = points[np.sort(np.random.default_rng(0).permutation(len(points))[:MANY])]
    return part, spacing(part)


def tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions (n, 3) of unit length that with normals (n, 3) make right-handed frames (a, b, n)."""
    a = np.cross(normals, np.eye(3)[np.abs(normals).argmin(1)])
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    return a, np.cross(normals, a)


def quadratic_terms(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(m, 6, k) terms 1, u, v, u^2, u v, v^2 of a quadric at u, v (m, k)."""
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)
