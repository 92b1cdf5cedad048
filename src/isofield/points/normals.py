"""Which side is out: normals of an unoriented cloud, their sides, its noise and its outliers.

Normals come from the principal components of each point's neighbours (Hoppe et al. 1992), which leaves their sides
open. The sides come from the winding number (`winding`): a subset of the points is oriented pair by pair, a larger one
in clusters, the sides are carried to all points, and a relaxation on the neighbour graph cleans up (`sides`).
Patches through the neighbours on a point's own side (`jets`) then give better normals, and the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isofield.points.jets import fit_jets
from isofield.points.local_pca import local_noise, neighbourhoods, tangents
from isofield.points.orientation import SUBSET, graph_sides, keep_given_orientation, winding_sides

CLEAR = 0.22
"""Noise beside the spacing below which the sides are cleaned up again with the normals of patches on one side: there
the first normals err because they mix the sides of thin parts, and not because of noise."""


@dataclass(frozen=True)
class Oriented:
    """Points of a surface with outward normals; lengths in the units of the points.

    points: (n, 3) float64. normals: (n, 3) float64 of unit length, outward. areas: (n,) the part of
    the surface that each point stands for. noise: (n,) standard deviation of each point off the surface. spacing:
    median distance of neighbours.
    """

    points: np.ndarray
    normals: np.ndarray
    areas: np.ndarray
    noise: np.ndarray
    spacing: float

    @property
    def usual_noise(self) -> float:
        """The points' median deviation off the surface."""
        return float(np.median(self.noise))

    def winding(self, queries: np.ndarray) -> np.ndarray:
        """(m,) generalised winding number at queries (m, 3): near 1 inside, near 0 outside (Barill et al. 2018).

        Every point counts as an equilateral triangle of its own area.
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
    """Outward normals of unoriented points (n, 3), which hold no outliers any more.

    normals: (n, 3) or None, normals that came with the points; their directions stay, and their sides where they are
    consistent with each other. noise: standard deviation of the points off the surface, or None to estimate it.
    subset: points that are oriented pair by pair; time grows with its square, and very thin parts want many.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    center, scale = (low + high) / 2, float((high - low).max())
    x = (points - center) / scale
    known = None if noise is None else noise / scale
    near = neighbourhoods(x)
    found = near.normals if normals is None else _unit(np.asarray(normals, np.float64), near.normals)
    rough = local_noise(x, near) if known is None else np.full(len(x), known)
    areas = np.pi * near.distance[:, 10] ** 2 / 10
    votes = winding_sides(x, found, near.index[:, 1:13], areas, float(np.median(rough)), seed, subset)
    sides = graph_sides(x, found, near.index, near.distance, votes)
    kept = None if normals is None else keep_given_orientation(x, found, near.index, near.distance, sides)
    if kept is not None:
        sides = kept
    jets = fit_jets(x, found * sides[:, None], known)
    if kept is None and np.median(jets.noise / np.sqrt(areas)) < CLEAR:
        turned = np.where(np.einsum("nd,nd->n", found, jets.normals) < 0, -1.0, 1.0)
        sides = turned * graph_sides(x, jets.normals, near.index, near.distance, turned * votes)
        jets = fit_jets(x, found * sides[:, None], known)
    outward = jets.normals if normals is None else found * sides[:, None]
    return Oriented(
        points,
        outward,
        areas * scale**2,
        np.minimum(rough, jets.noise) * scale,
        float(np.median(near.distance[:, 1])) * scale,
    )


def _unit(normals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normals / np.where(good, length, 1), otherwise)
