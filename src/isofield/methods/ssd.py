"""The smoothed signed distance: Calakli and Taubin, "SSD: Smooth Signed Distance Surface Reconstruction", 2011.

A field f on a sparse grid that minimises, over points p with outward normals n,

    sum_p f(p)^2 / s_p^2  +  sum_p |grad f(p) - n|^2 / s_n^2  +  lambda^2 integral |Hessian f|^2  +  far prior

solved level by level, each a linear least squares problem in the values at the nodes of a band around the points.

What differs from the paper:

* the normals are oriented here, not given (`points.normals`), and the points are denoised first (`points.denoising`);
* s_p is each point's own noise, so that the weight of a value is its likelihood; it is smaller where points are sparse;
* lambda grows with the noise beside the spacing: the errors of neighbouring normals and denoised points are alike,
  which their own weights ignore;
* trilinear cells on a uniform dyadic band in place of an octree; the Hessian by second differences;
* a far prior: away from the points the field is drawn to the distance to the nearest point, with the sign of the
  winding number as far as that is certain, or of depth images that observed it empty. Without it closed blobs grow
  behind thin tips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree
from torch import nn

from isofield.adapt import least_squares
from isofield.configs import Ssd
from isofield.fields.grid import SparseGrid
from isofield.fields.sparse_levels import Band, interpolated, redistanced, refined, sparse_grid, whole
from isofield.kdtree import nearest
from isofield.losses.ssd import hessian_rows, value_and_normal_rows, value_rows
from isofield.methods.network import observation_of
from isofield.points import Oriented, denoise, oriented_points
from isofield.types import FitProgress, FreeSpace, Shape


@dataclass(frozen=True)
class SsdMethod:
    """The smoothed signed distance of one shape; the code is the grid."""

    config: Ssd

    def field(self, code: SparseGrid) -> nn.Module:
        """The grid itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[SparseGrid]]:
        """Solves for the grid, coarse levels first."""
        observed = observation_of(shapes)
        yield FitProgress("finding the orientation", 0.0)
        oriented = denoise(oriented_points(observed, seed, self.config.oriented))
        for stage in fit_oriented(oriented, self.config, observed.free, observed.open):
            yield replace(stage, fraction=0.4 + 0.6 * stage.fraction, noise=oriented.median_noise)


def fit_oriented(
    points: Oriented, config: Ssd, free: FreeSpace | None = None, open_surface: bool = False
) -> Iterator[FitProgress[SparseGrid]]:
    """The grid of oriented points. free: what was observed to be empty. open_surface: the points enclose no volume, so
    that the winding number is not 1/2 at the surface, but what it is at the points."""
    level = points.level() if open_surface else 0.5
    box = np.ptp(points.points, axis=0)
    longest = float(box.max())
    finest = max(longest / config.cells, config.least_cell * float(np.median(np.sqrt(points.areas))))
    side = finest * 2 ** (config.levels - 1)  # of a coarse cell
    counts = np.ceil((box + 2 * config.margin * longest) / side).astype(np.int64)
    origin = (points.points.min(0) + points.points.max(0)) / 2 - counts * side / 2
    tree = cKDTree(points.points)
    levels: list[Level] = []
    for number in range(config.levels):
        band = refined(levels[-1].band, points.points) if levels else whole(origin, side, counts)
        iterations = config.iterations[min(number, len(config.iterations) - 1)]
        levels.append(_solve(points, config, tree, band, levels[-1] if levels else None, iterations, free, level))
        bands = [level.band for level in levels]
        grid = sparse_grid(bands if number + 1 < config.levels else redistanced(bands))
        yield FitProgress(f"solving on {round(longest / band.h)} cells", (number + 1) / config.levels, grid)


@dataclass(frozen=True)
class Level:
    """A solved band of n nodes, with the sign that the winding number has there, (n,) -1 inside and 1 outside, and how
    certain it is, (n,) from 0 to 1."""

    band: Band
    sign: np.ndarray
    certainty: np.ndarray


def _solve(
    points: Oriented, config: Ssd, tree: cKDTree, band: Band, above: Level | None, iterations: int,
    free: FreeSpace | None, level: float,
) -> Level:  # fmt: skip
    """The level whose cells `band` has; tree holds the points. level: the winding number at the surface."""
    distance, closest = nearest(tree, band.positions)
    reach = max(band.h, config.prior_spacings * float(np.median(np.sqrt(points.areas))))
    sign, certainty = _sign(points, config, band, above, free, reach, level)
    prior = sign * distance
    start = prior if above is None else interpolated(above.band, above.band.values, band.index)
    inner = np.ones(len(start), bool) if above is None else band.inner
    deviation, bending, weight = weights(points, config, band.h, closest, distance / reach, certainty)
    energy = [
        *value_and_normal_rows(band, points.points, points.normals, deviation, config.normal_deviation),
        *hessian_rows(band, bending),
        value_rows(weight, prior / band.h),
    ]
    values = least_squares(energy, start / band.h, inner, iterations) * band.h
    return Level(replace(band, values=values), sign, certainty)


def weights(
    points: Oriented, config: Ssd, cell: float, closest: np.ndarray, distance: np.ndarray, certainty: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weights of the energy's terms on cells of size `cell`.

    closest: (m,) the point nearest to each node. distance: (m,) of the nodes from it, in reaches of the far prior.
    certainty: (m,) of their signs. Returns the points' deviations s_p (n,), lambda (m,), and the far prior's weight
    (m,).

    s_p is what denoising left of a point's noise; it is smaller where the points are sparse beside the finest cells,
    since the Hessian, which counts by cell and not by point, would round off what they show. lambda grows with the
    noise beside the spacing, and falls with the root of the cell.
    """
    longest, spacing = np.ptp(points.points, axis=0).max(), np.sqrt(points.areas)
    sparse = np.sqrt(points.areas * (config.cells / longest) ** 2 / config.cells_per_point).clip(1)
    deviation = np.maximum(config.noise_share * points.noise / sparse, config.least_noise * longest)
    noisy = config.smoothness_per_noise * points.noise / spacing
    bending = np.maximum(config.smoothness, noisy) * np.sqrt(config.reference_cells * cell / longest)
    far = config.prior * certainty**config.prior_power * np.clip(distance - 2, 0, 1)
    return deviation, bending[closest], far


def _sign(
    points: Oriented, config: Ssd, band: Band, above: Level | None, free: FreeSpace | None, reach: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """The sign at the nodes of a band and its certainty, both (m,): by the winding number, on fine cells interpolated
    from the level above; what was observed to be empty is outside."""
    if above is None or band.h > config.winding_cell * np.ptp(points.points, axis=0).max():
        winding = points.winding(band.positions)
        sign, certainty = np.where(winding > level, -1.0, 1.0), np.minimum(2 * np.abs(winding - level), 1)
    else:
        certainty = interpolated(above.band, above.certainty, band.index)
        sign = np.sign(interpolated(above.band, above.sign, band.index))
    if free is not None:
        empty = free(band.positions, reach)
        sign, certainty = np.where(empty, 1.0, sign), np.where(empty, 1.0, certainty)
    return sign, certainty
