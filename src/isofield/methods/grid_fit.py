"""Grids of truncated distances, fitted to samples: a dense one, and finer levels near its surface."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, map_coordinates, zoom
from torch import Tensor, nn

from isofield.configs import Linear
from isofield.fields.grid import SparseGrid
from isofield.fields.sparse_levels import Band, interpolated, refined, sparse_grid, whole
from isofield.losses.ssd import Energy, conjugate_gradients, interpolation
from isofield.threads import deterministic, parallel_map
from isofield.types import SdfSamples

COARSE = 16
"""Cells a side of the means that the fit of a grid starts from."""
NEARNESS = 0.02
"""The variance of a sample is its distance from the surface plus this."""
RESIDUAL = Linear(limit=0.1)
"""The residual grid of a field that has no grid of its own; beyond the limit such fields mean nothing."""
NODES = 16_384
"""Nodes of that grid that are evaluated at once."""


def gridded(
    samples: SdfSamples, cells: int, limit: float, stiffness: float, iterations: int, start: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Values ((cells + 1)^3,) float32 at the nodes of a grid over the cube from -1 to 1, the last axis the fastest.

        argmin_g  sum_i (g(x_i) - clamp(s_i, -limit, limit))^2 / (|s_i| + c)
                  +  stiffness |second differences of g - g_0|^2

    samples: those beyond the cube do not count, free ones only where `start` is below their distance. iterations: of
    conjugate gradients. start: the values g_0 to bend from; without it the fit starts from means.
    """
    band = _cube(cells)
    used = (np.abs(samples.points) <= 1).all(axis=1)
    points, value = samples.points[used].astype(np.float64), np.clip(samples.distance[used], -limit, limit)
    precision = 1 / np.sqrt(np.abs(value) + NEARNESS)
    reached = np.zeros(len(points)) if start is None else interpolation(band, points) @ start
    if samples.free is not None and start is not None:
        precision[samples.free[used] & (reached >= value)] = 0
    first = _means(points, value, cells) if start is None else np.zeros(len(band.nodes), np.float32)
    energy = Energy(band)
    energy.add_samples(points, value - reached, precision)
    energy.add_hessian(np.full(len(band.nodes), np.sqrt(stiffness)), mixed=False)
    every = np.ones(len(band.nodes), bool)
    solution = conjugate_gradients(energy.matrix(), energy.right, first, every, iterations)
    return np.clip(solution if start is None else start + solution, -limit, limit).astype(np.float32)


def smoothed(values: np.ndarray) -> SparseGrid:
    """The field of values (k,) at the nodes of a grid over the cube, with a level of half its cells near the surface,
    by cubic interpolation: a single level would show its cells."""
    cells = round(len(values) ** (1 / 3)) - 1
    above = _cube(cells).with_values(values)
    band = refined(above, np.zeros((0, 3)))
    if not len(band.cells):  # no surface
        return SparseGrid.of(sparse_grid([above]))
    cubic = map_coordinates(values.reshape((cells + 1,) * 3), band.index.T / 2, order=3, mode="mirror")
    border = interpolated(above, values, band.index)
    values = np.where(band.inner, cubic, border).astype(np.float32)
    return SparseGrid.of(sparse_grid([above, band.with_values(values)]))


def residual(samples: SdfSamples, start: np.ndarray, config: Linear) -> SparseGrid:
    """The grid that bends least from values ((cells + 1)^3,) towards samples, and finer levels of it."""
    values = gridded(samples, config.cells, config.limit, config.bend, config.refining, start)
    return with_levels(samples, values, config.levels, config.smooth, config.refining)


def refined_by_grid(field: nn.Module, samples: SdfSamples) -> SparseGrid:
    """`residual` of a field (n, 3) -> (n,) that has no grid of its own."""
    with deterministic(), torch.no_grad():
        values = torch.cat(parallel_map(field, nodes(RESIDUAL.cells).split(NODES)))
        start = values.clamp(-RESIDUAL.limit, RESIDUAL.limit).numpy()
        return residual(samples.part(0, RESIDUAL.detail), start, RESIDUAL)


def with_levels(samples: SdfSamples, values: np.ndarray, levels: int, stiffness: float, iterations: int) -> SparseGrid:
    """The field of values (k,) at the nodes of a grid over the cube, with finer levels near the surface that agree with
    the samples there and are otherwise as smooth as possible."""
    cells = round(len(values) ** (1 / 3)) - 1
    bands = [_cube(cells).with_values(values)]
    near = np.abs(samples.distance) < 2 * bands[0].h
    if samples.free is not None:
        near &= ~samples.free
    points, value = samples.points[near].astype(np.float64), samples.distance[near].astype(np.float64)
    for _ in range(levels):
        above = bands[-1]
        band = refined(above, points[np.abs(value) < above.h / 2])
        if not len(band.cells):  # no surface
            break
        covered = band.holds(points)
        precision = 1 / np.sqrt(np.abs(value[covered]) + band.h / 4)
        start = interpolated(above, above.values, band.index)
        energy = Energy(band)
        energy.add_samples(points[covered], value[covered], precision)
        energy.add_hessian(np.full(len(band.nodes), np.sqrt(stiffness)), mixed=False)
        solution = conjugate_gradients(energy.matrix(band.inner), energy.right, start, band.inner, iterations)
        bands.append(band.with_values(solution.astype(np.float32)))
    return SparseGrid.of(sparse_grid(bands))


def nodes(cells: int) -> Tensor:
    """The nodes ((cells + 1)^3, 3) of a grid over the cube, in the order of its values."""
    return torch.from_numpy((_cube(cells).index * (2 / cells) - 1).astype(np.float32))


@lru_cache(maxsize=2)
def _cube(cells: int) -> Band:
    return whole(np.full(3, -1.0), 2 / cells, np.full(3, cells))


def _means(points: np.ndarray, value: np.ndarray, cells: int) -> np.ndarray:
    """Means of values (n,) in coarse cells, for empty cells those of the nearest one, at the nodes of the grid."""
    index = np.clip(((points + 1) * (COARSE / 2)).astype(int), 0, COARSE - 1)
    key = np.ravel_multi_index(tuple(index.T), (COARSE,) * 3)
    count = np.bincount(key, minlength=COARSE**3)
    mean = (np.bincount(key, value, COARSE**3) / np.maximum(count, 1)).reshape((COARSE,) * 3)
    nearest = distance_transform_edt((count == 0).reshape(mean.shape), return_distances=False, return_indices=True)
    return zoom(mean[tuple(nearest)], (cells + 1) / COARSE, order=1, grid_mode=True, mode="nearest").ravel()
