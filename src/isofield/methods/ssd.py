"""The smoothed signed distance: Calakli and Taubin, "SSD: Smooth Signed Distance Surface Reconstruction", 2011.

A field f on a sparse grid that minimises, over points p with outward normals n,

    sum_p f(p)^2 / s_p^2  +  sum_p |grad f(p) - n|^2 / s_n^2  +  lambda^2 integral |Hessian f|^2  +  far prior

solved level by level, each a linear least squares problem in the values at the nodes of a band around the points.

What differs from the paper:

* the normals are oriented here, not given (`points.normals`), and the points are denoised first (`points.denoising`);
* s_p is each point's own noise, so that the weight of a value is its likelihood; it is smaller where points are sparse;
* lambda grows with the noise beside the spacing: the errors of neighbouring normals and denoised points are alike,
  which their own weights ignore;
* trilinear cells on dyadic bands in place of an octree, the last ones only where the points are dense; the Hessian by
  second differences;
* a far prior: away from the points the field is drawn to the distance to the nearest point, with the sign of the
  winding number as far as that is certain, or of depth images that observed it empty. Without it closed blobs grow
  behind thin tips. Beyond the convex hull of the points it is positive, and values of the coarsest level are at least
  the distance to the hull: what closes a surface ends near the points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isofield.configs import Ssd
from isofield.fields.array_grid import ArrayGrid
from isofield.fields.sparse_levels import Band, interpolated, redistanced, refined, sparse_grid, whole
from isofield.kdtree import KDTree, nearest
from isofield.losses.ssd import Energy, conjugate_gradients
from isofield.points import Beyond, Oriented, beyond_hull, denoise, oriented_points
from isofield.stopwatch import stage
from isofield.types import FitProgress, FreeSpace, Shape

if TYPE_CHECKING:
    from torch import nn

FEWEST, FEWEST_SHARE = 100, 0.005
"""A further level needs this many points, and this fraction of all, that permit its cells."""
OPEN = 1.5
"""Cells of further levels are larger by this factor on open surfaces: one side of them alone shows."""
ROOM, BARE = 1.5, 0.15
"""The hull is wider by the first, in coarse cells, where it touches the inner side of a surface at more than this share
of the points: a sheet that is to be closed would have holes there."""
NEAR = 3.0
"""Cells near the zero set are halved further up to this many cells from the points."""


@dataclass(frozen=True)
class SsdMethod:
    """The smoothed signed distance of one shape; the code is the grid."""

    config: Ssd

    def field(self, code: ArrayGrid) -> nn.Module:
        """The grid as a module."""
        from isofield.fields.grid import SparseGrid  # alone needs torch

        return SparseGrid.of(code)

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[ArrayGrid]]:
        """Solves for the grid, coarse levels first."""
        observed = shapes[0].observed
        yield FitProgress("finding the orientation", 0.0)
        oriented = denoise(oriented_points(observed, seed, self.config.oriented))
        for progress in fit_oriented(oriented, self.config, observed.free, observed.open):
            fraction = 0.4 + 0.6 * progress.fraction
            yield replace(progress, fraction=fraction, noise=oriented.median_noise, turned=oriented.turned)


def fit_oriented(
    points: Oriented, config: Ssd, free: FreeSpace | None = None, open_surface: bool = False
) -> Iterator[FitProgress[ArrayGrid]]:
    """The grid of oriented points. free: what was observed to be empty. open_surface: the points enclose no volume, so
    that the winding number is not 1/2 at the surface, but what it is at the points."""
    surface_winding = points.level() if open_surface else 0.5
    detail = config.detail * (OPEN if open_surface else 1)
    box = np.ptp(points.points, axis=0)
    longest = float(box.max())
    finest = max(longest / config.cells, config.least_cell * float(np.median(np.sqrt(points.areas))))
    side = finest * 2 ** (config.levels - 1)  # of a coarse cell
    counts = np.ceil((box + 2 * config.margin * longest) / side).astype(np.int64)
    origin = (points.points.min(0) + points.points.max(0)) / 2 - counts * side / 2
    tree = KDTree(points.points)
    beyond = None if open_surface else _with_room(beyond_hull(points.points), points, tree, ROOM * side)
    levels: list[Level] = []
    band: Band | None = whole(origin, side, counts)
    while band is not None:
        iterations = config.iterations[min(len(levels), len(config.iterations) - 1)]
        cells = round(longest / band.h)
        with stage(f"level of {cells} cells"):
            above = levels[-1] if levels else None
            levels.append(_solve(points, config, tree, band, above, iterations, free, surface_winding, beyond))
            bands = [one.band for one in levels]
            if len(levels) < config.levels:
                band = refined(bands[-1], points.points)
            else:
                more = len(levels) < config.levels + config.further
                band = _finer(points, config, levels[-1], detail) if more else None
            grid = sparse_grid(redistanced(bands) if band is None else bands)
        done = 1.0 if band is None else len(levels) / (config.levels + config.further)
        yield FitProgress(f"solving on {cells} cells", done, grid)


def _with_room(beyond: Beyond, points: Oriented, tree: KDTree, room: float) -> Beyond:
    """The hull, wider by `room` where it would cut through what closes a sheet: the inner side of many points is beyond
    it, and belongs to no other sheet. tree: of the points."""
    inner = points.points - room * points.normals
    rows = np.flatnonzero(beyond(inner) > 0)
    if len(rows) <= BARE * len(inner):
        return beyond
    closest = nearest(tree, inner[rows])[1]
    side = np.einsum("nd,nd->n", inner[rows] - points.points[closest], points.normals[closest])
    return beyond if np.count_nonzero(side < 0) <= BARE * len(inner) else lambda x: beyond(x) - room


@dataclass(frozen=True)
class Level:
    """A solved band of n nodes, with the sign that the winding number has there, (n,) -1 inside and 1 outside, how
    certain it is, (n,) from 0 to 1, and the point closest to each node, (n,), with its distance (n,)."""

    band: Band
    sign: np.ndarray
    certainty: np.ndarray
    closest: np.ndarray
    distance: np.ndarray


def _finer(points: Oriented, config: Ssd, above: Level, detail: float) -> Band | None:
    """The level below the finest one, where the points' spacing times `detail`, and their noise, permit its cells; None
    where few do."""
    cell = above.band.h / 2
    fine = np.maximum(detail * np.sqrt(points.areas), points.noise) <= cell
    if np.count_nonzero(fine) < max(FEWEST, FEWEST_SHARE * len(fine)):
        return None
    near = fine[above.closest] & (above.distance < NEAR * above.band.h)
    band = refined(above.band, points.points[fine], near)
    return band if len(band.nodes) <= config.most_nodes else None


def _solve(
    points: Oriented, config: Ssd, tree: KDTree, band: Band, above: Level | None, iterations: int,
    free: FreeSpace | None, surface_winding: float, beyond: Beyond | None,
) -> Level:  # fmt: skip
    """The level whose cells `band` has; tree holds the points. surface_winding: the winding number at the surface."""
    distance, closest = nearest(tree, band.positions)
    reach = max(band.h, config.prior_spacings * float(np.median(np.sqrt(points.areas))))
    sign, certainty = _sign(points, config, band, above, free, reach, surface_winding, beyond)
    prior = sign * distance
    start = prior if above is None else interpolated(above.band, above.band.values, band.index)
    inner = np.ones(len(start), bool) if above is None else band.inner
    deviation, bending, weight = weights(points, config, band.h, closest, distance / reach, certainty)
    covered = band.holds(points.points)
    x, normals = points.points[covered], points.normals[covered]
    energy = Energy(band)
    energy.add_points(x, normals, deviation[covered], config.normal_deviation)
    energy.add_hessian(bending)
    energy.add_values(weight, prior / band.h)
    values = conjugate_gradients(energy.matrix(inner), energy.right, start / band.h, inner, iterations) * band.h
    if above is None and beyond is not None:  # finer levels keep what the border of the box gets here
        least = beyond(band.positions)  # the surface is at least as far away as the hull
        values = np.where(least > 0, np.maximum(values, least), values)
    return Level(band.with_values(values), sign, certainty, closest, distance)


def weights(
    points: Oriented, config: Ssd, cell: float, closest: np.ndarray, distance: np.ndarray, certainty: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weights of the energy's terms on cells of size `cell`.

    closest: (m,) the point nearest to each node. distance: (m,) of the nodes from it, in reaches of the far prior.
    certainty: (m,) of their signs. Returns the points' deviations s_p (n,), lambda (m,), and the far prior's weight
    (m,).

    s_p is what denoising left of a point's noise; it is smaller where the points are sparse beside the finest cells,
    since the Hessian, which counts by cell and not by point, would round off what they show. lambda grows with the
    noise beside the spacing, and falls with the root of the cell. On cells smaller than `config.cells` along the
    longest side, which are as large as the spacing of their points, lengths count in cells.
    """
    longest, spacing = np.ptp(points.points, axis=0).max(), np.sqrt(points.areas)
    finest = min(longest / config.cells, cell)
    sparse = np.sqrt(points.areas / finest**2 / config.cells_per_point).clip(1)
    least = config.least_noise * config.cells * finest
    deviation = np.maximum(config.noise_share * points.noise / sparse, least)
    noisy = config.smoothness_per_noise * points.noise / spacing
    wide = max(cell, longest / config.cells)
    bending = np.maximum(config.smoothness, noisy) * np.sqrt(config.reference_cells * wide / longest)
    far = config.prior * certainty**config.prior_power * np.clip(distance - 2, 0, 1)
    return deviation, bending[closest], far


def _sign(
    points: Oriented, config: Ssd, band: Band, above: Level | None, free: FreeSpace | None, reach: float,
    surface_winding: float, beyond: Beyond | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The sign at the nodes of a band and its certainty, both (m,): by the winding number, outside beyond the hull of
    the points, on fine cells interpolated from the level above; what was observed to be empty is outside."""
    if above is None or band.h > config.winding_cell * np.ptp(points.points, axis=0).max():
        more = points.winding(band.positions) - surface_winding
        sign, certainty = np.where(more > 0, -1.0, 1.0), np.minimum(2 * np.abs(more), 1)
        if beyond is not None:
            outside = beyond(band.positions) > 2 * reach
            sign, certainty = np.where(outside, 1.0, sign), np.where(outside, 1.0, certainty)
    else:
        sign, certainty = interpolated(above.band, np.stack([above.sign, above.certainty], 1), band.index).T
        sign = np.sign(sign)
    if free is not None:
        empty = free(band.positions, reach)
        sign, certainty = np.where(empty, 1.0, sign), np.where(empty, 1.0, certainty)
    return sign, certainty
