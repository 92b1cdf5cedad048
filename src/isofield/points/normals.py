"""Oriented normals of a point cloud, and its noise.

Normals come from the principal components of each point's neighbours (Hoppe et al. 1992), up to their sign. The sign
comes from the winding number (`winding_orientation`): a subset of the points is oriented pair by pair, a larger one in
clusters, and their directions vote for the signs of all points; a relaxation on the neighbour graph makes these
consistent (`orientation`). Patches through neighbours with similar normals (`jets`) then give better normals, and the
noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isofield.points.jets import fit_jets
from isofield.points.local_pca import local_noise, neighbourhoods, tangents
from isofield.points.orientation import SUBSET, keep_given_orientation, propagate_signs, winding_votes

CLEAR = 0.22
"""Below this ratio of noise to spacing the signs are computed again with the normals of the patches: there the first
normals err because they mix both sides of thin parts, not because of noise."""


@dataclass(frozen=True)
class Oriented:
    """Points of a surface with outward normals; lengths in the units of the points.

    points: (n, 3) float64. normals: (n, 3) float64 of unit length, outward. areas: (n,) of the surface around each
    point. noise: (n,) standard deviation of each point off the surface. spacing: median distance to the nearest
    neighbour.
    """

    points: np.ndarray
    normals: np.ndarray
    areas: np.ndarray
    noise: np.ndarray
    spacing: float

    @property
    def median_noise(self) -> float:
        """Median of the noise of the points."""
        return float(np.median(self.noise))

    def winding(self, queries: np.ndarray) -> np.ndarray:
        """(m,) generalized winding number at queries (m, 3): near 1 inside, near 0 outside (Barill et al. 2018).

        Each point is replaced by an equilateral triangle of its area.
        """
        import igl

        across, along = tangents(self.normals)
        reach = np.sqrt(self.areas * 4 / (3 * np.sqrt(3)))[:, None]  # circumradius
        angles = np.arange(3) * 2 * np.pi / 3
        corners = np.stack([self.points + reach * (np.cos(a) * across + np.sin(a) * along) for a in angles], 1)
        tree = igl.FastWindingNumberBVH()
        tree.init(corners.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int64).reshape(-1, 3))
        return np.asarray(tree.winding_number(np.ascontiguousarray(queries, np.float64)))


def orient(
    points: np.ndarray,
    normals: np.ndarray | None = None,
    noise: float | None = None,
    seed: int = 0,
    subset: int = SUBSET,
) -> Oriented:
    """Outward normals of points (n, 3) without outliers.

    normals: (n, 3) that came with the points, or None; their directions are kept, and their orientation if it is
    consistent. noise: standard deviation of the points off the surface, or None to estimate it. subset: number of
    points that are oriented pair by pair; time grows with its square, and very thin parts need many.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    center, scale = (low + high) / 2, float((high - low).max())
    x = (points - center) / scale
    deviation = None if noise is None else noise / scale
    near = neighbourhoods(x)
    unsigned = near.normals if normals is None else _unit(np.asarray(normals, np.float64), near.normals)
    rough = local_noise(x, near) if deviation is None else np.full(len(x), deviation)
    areas = np.pi * near.distance[:, 10] ** 2 / 10
    votes = winding_votes(x, unsigned, near.index[:, 1:13], areas, float(np.median(rough)), seed, subset)
    signs = propagate_signs(x, unsigned, near.index, near.distance, votes)
    kept = None if normals is None else keep_given_orientation(x, unsigned, near.index, near.distance, signs)
    if kept is not None:
        signs = kept
    jets = fit_jets(x, unsigned * signs[:, None], deviation)
    if kept is None and np.median(jets.noise / np.sqrt(areas)) < CLEAR:
        flipped = np.where(np.einsum("nd,nd->n", unsigned, jets.normals) < 0, -1.0, 1.0)
        signs = flipped * propagate_signs(x, jets.normals, near.index, near.distance, flipped * votes)
        jets = fit_jets(x, unsigned * signs[:, None], deviation)
    outward = jets.normals if normals is None else unsigned * signs[:, None]
    return Oriented(
        points,
        outward,
        areas * scale**2,
        np.minimum(rough, jets.noise) * scale,
        float(np.median(near.distance[:, 1])) * scale,
    )


def _unit(normals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Normals (n, 3) of unit length; `otherwise` (n, 3) in place of zero and non-finite ones."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normals / np.where(good, length, 1), otherwise)
