"""The smoothed signed distance: Calakli and Taubin, "SSD: Smooth Signed Distance Surface Reconstruction", 2011.

A field f on a sparse grid that minimises, over points p with outward normals n,

    sum_p f(p)^2 / s_p^2  +  sum_p |grad f(p) - n|^2 / s_n^2  +  lambda^2 integral |Hessian f|^2  +  far prior

solved level by level, each a linear least squares problem in the values at the nodes of a band around the points.

What differs from the paper:

* the normals' sides are found, not given (`points.normals`);
* s_p is each point's own noise, so that the weight of a value is its likelihood; it is smaller where points are sparse,
  or the Hessian, which counts by cell and not by point, would round off what they show;
* lambda grows with the noise beside the spacing: the errors of neighbouring normals and moved points are alike, which
  their own weights do not know;
* the points are first moved to where their neighbours say that the surface is (`points.denoising`);
* trilinear cells on a uniform dyadic band in place of an octree; the Hessian by second differences;
* a far prior, absent there: away from the points the field is drawn to the distance to the nearest point, its sign
  taken from the winding number, as far as that is sure, or from depth images that saw it empty. Without it closed blobs
  of nothing grow behind thin tips.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from isofield.adapt import least_squares
from isofield.configs import SsdConfig
from isofield.fields.sparse_levels import Band, interpolated, redistanced, refined, sparse_grid, whole
from isofield.kdtree import nearest
from isofield.losses.ssd import hessian_rows, value_and_normal_rows, value_rows
from isofield.methods.progress import Progress
from isofield.points import Oriented, denoise, orient
from isofield.types import FreeSpace, Observation


def fit(observed: Observation, config: SsdConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The grid field of one shape, coarse levels first; the last step's field is the result."""
    yield Progress("finding the sides", 0.0, None)
    oriented = denoise(orient(observed.points, observed.normals, observed.noise, seed, config.oriented))
    for step in fit_oriented(oriented, config, observed.free):
        yield Progress(step.stage, 0.4 + 0.6 * step.fraction, step.field, oriented.median_noise)


def fit_oriented(points: Oriented, config: SsdConfig, free: FreeSpace | None = None) -> Iterator[Progress]:
    """The grid field of points whose sides are known; free: what was seen to be empty."""
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
        levels.append(_solve(points, config, tree, band, levels[-1] if levels else None, iterations, free))
        bands = [level.band for level in levels]
        field = sparse_grid(bands if number + 1 < config.levels else redistanced(bands))
        yield Progress(f"smoothing on {round(longest / band.h)} cells", (number + 1) / config.levels, field)


@dataclass(frozen=True)
class Level:
    """A solved band of n nodes, and what the winding number told there: side (n,) -1 inside and 1 outside, and how sure
    it is (n,), 0 to 1."""

    band: Band
    side: np.ndarray
    sure: np.ndarray


def _solve(
    points: Oriented,
    config: SsdConfig,
    tree: cKDTree,
    band: Band,
    above: Level | None,
    iterations: int,
    free: FreeSpace | None,
) -> Level:
    """The level whose cells `band` has; tree holds the points."""
    longest = np.ptp(points.points, axis=0).max()
    spacing = np.sqrt(points.areas)
    distance, closest = nearest(tree, band.positions)
    if above is None or band.h > config.winding_cell * longest:
        winding = points.winding(band.positions)
        side, sure = np.where(winding > 0.5, -1.0, 1.0), np.minimum(np.abs(2 * winding - 1), 1)
    else:
        sure = interpolated(above.band, above.sure, band.index)
        side = np.sign(interpolated(above.band, above.side, band.index))
    reach = max(band.h, config.prior_spacings * float(np.median(spacing)))
    if free is not None:
        empty = free(band.positions, reach)
        side, sure = np.where(empty, 1.0, side), np.where(empty, 1.0, sure)
    prior = side * distance
    start = prior if above is None else interpolated(above.band, above.band.values, band.index)
    inner = np.ones(len(start), bool) if above is None else band.inner

    sparse = np.sqrt(points.areas * (config.cells / longest) ** 2 / config.cells_per_point).clip(1)
    deviation = np.maximum(config.noise_share * points.noise / sparse, config.least_noise * longest)
    noisy = config.smoothness_per_noise * points.noise / spacing
    bending = np.maximum(config.smoothness, noisy) * np.sqrt(config.reference_cells * band.h / longest)
    weight = config.prior * sure**config.prior_power * np.clip(distance / reach - 2, 0, 1)
    rows = [
        *value_and_normal_rows(band, points.points, points.normals, deviation, config.normal_deviation),
        *hessian_rows(band, bending[closest]),
        value_rows(weight, prior / band.h),
    ]
    values = least_squares(rows, start / band.h, inner, iterations) * band.h
    return Level(replace(band, values=values), side, sure)
