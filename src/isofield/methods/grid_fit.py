"""Grids of truncated distances: a dense one that agrees with samples, and finer levels of it near its surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, map_coordinates, zoom
from torch import Tensor

from isofield.adapt import least_squares
from isofield.fields.grid import SparseGrid
from isofield.fields.sparse_levels import Band, interpolated, refined, sparse_grid, whole
from isofield.losses.ssd import Rows, hessian_rows, sampled_rows
from isofield.types import SdfSamples

COARSE = 16
"""Cells a side of the means at which the search for a grid begins."""
NEARNESS = 0.02
"""The square of a sample's deviation grows with its distance from the surface and this: what is far says less."""


def gridded(
    known: SdfSamples,
    cells: int,
    limit: float,
    stiffness: float,
    iterations: int,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Values ((cells + 1)^3,) float32 at the nodes of a grid over the cube from -1 to 1, the last axis the fastest.

        argmin_g  sum_i (g(x_i) - clamp(s_i, -limit, limit))^2 / (|s_i| + c)
                  +  stiffness |second differences of g - start|^2

    known: points beyond the cube do not count, free ones only where `start` is below their distance. iterations: of
    conjugate gradients. start: values from which the grid bends as little as it can; without it, from the means.
    """
    band = _cube(cells)
    used = (np.abs(known.points) <= 1).all(axis=1)
    points, value = known.points[used].astype(np.float64), np.clip(known.distance[used], -limit, limit)
    precision = 1 / np.sqrt(np.abs(value) + NEARNESS)
    if known.free is not None and start is not None:
        matrix, _ = sampled_rows(band, points, value, np.ones(len(points)))
        precision[known.free[used] & (matrix @ start >= value)] = 0
    matrix, right = sampled_rows(band, points, value, precision)
    first = _means(points, value, cells) if start is None else np.zeros(len(band.nodes), np.float32)
    reached = 0.0 if start is None else matrix @ start
    rows = [(matrix, right - reached), *_stiff(cells, stiffness)]
    found = least_squares(rows, first, np.ones(len(band.nodes), bool), iterations)
    return np.clip(found if start is None else start + found, -limit, limit).astype(np.float32)


def smoothed(values: np.ndarray) -> SparseGrid:
    """The field of values (k,) at the nodes of a grid over the cube, with a level of half its cells near the surface:
    cubic interpolation, where a single level would show its cells."""
    cells = round(len(values) ** (1 / 3)) - 1
    above = replace(_cube(cells), values=values)
    band = refined(above, np.zeros((0, 3)))
    cubic = map_coordinates(values.reshape((cells + 1,) * 3), band.index.T / 2, order=3, mode="mirror")
    border = interpolated(above, values, band.index)
    return sparse_grid([above, replace(band, values=np.where(band.inner, cubic, border).astype(np.float32))])


def sharpened(known: SdfSamples, values: np.ndarray, levels: int, stiffness: float, iterations: int) -> SparseGrid:
    """The same with so many finer levels, which agree with the evidence there, and are as smooth as it lets them be."""
    cells = round(len(values) ** (1 / 3)) - 1
    bands = [replace(_cube(cells), values=values)]
    near = np.abs(known.distance) < 2 * bands[0].h
    if known.free is not None:
        near &= ~known.free
    points, value = known.points[near].astype(np.float64), known.distance[near].astype(np.float64)
    for _ in range(levels):
        above = bands[-1]
        band = refined(above, points[np.abs(value) < above.h / 2])
        held = band.holds(points)
        precision = 1 / np.sqrt(np.abs(value[held]) + band.h / 4)
        start = interpolated(above, above.values, band.index)
        rows = [
            sampled_rows(band, points[held], value[held], precision),
            *hessian_rows(band, np.full(len(band.nodes), np.sqrt(stiffness)), mixed=False),
        ]
        found = least_squares(rows, start, band.inner, iterations)
        bands.append(replace(band, values=found.astype(np.float32)))
    return sparse_grid(bands)


def nodes(cells: int) -> Tensor:
    """The nodes ((cells + 1)^3, 3) of such a grid, in the order of its values."""
    return torch.from_numpy((_cube(cells).index * (2 / cells) - 1).astype(np.float32))


@lru_cache(maxsize=2)
def _cube(cells: int) -> Band:
    return whole(np.full(3, -1.0), 2 / cells, np.full(3, cells))


@lru_cache(maxsize=2)
def _stiff(cells: int, stiffness: float) -> Sequence[Rows]:
    """Second differences along the axes, which keep flat what no sample holds."""
    band = _cube(cells)
    return list(hessian_rows(band, np.full(len(band.nodes), np.sqrt(stiffness)), mixed=False))


def _means(points: np.ndarray, value: np.ndarray, cells: int) -> np.ndarray:
    """Means of values (n,) in coarse cells, the nearest cell's where there are none, at the nodes of the grid."""
    index = np.clip(((points + 1) * (COARSE / 2)).astype(int), 0, COARSE - 1)
    key = np.ravel_multi_index(tuple(index.T), (COARSE,) * 3)
    count = np.bincount(key, minlength=COARSE**3)
    mean = (np.bincount(key, value, COARSE**3) / np.maximum(count, 1)).reshape((COARSE,) * 3)
    nearest = distance_transform_edt((count == 0).reshape(mean.shape), return_distances=False, return_indices=True)
    return zoom(mean[tuple(nearest)], (cells + 1) / COARSE, order=1, grid_mode=True, mode="nearest").ravel()
