"""The smoothed signed distance: Calakli and Taubin, "SSD: Smooth Signed Distance Surface Reconstruction", 2011.

A field f on a sparse grid that minimises, over points p with outward normals n,

    sum_p f(p)^2 / s_p^2  +  sum_p |grad f(p) - n|^2 / s_n^2  +  lambda^2 integral |Hessian f|^2  +  far prior

solved level by level, each a linear least squares problem in the values at the nodes of a band around the points.

What differs from the paper:

* the normals' sides are found, not given (`shapes.normals`);
* s_p is each point's own noise, so that the weight of a value is its likelihood; it is smaller where points are sparse,
  or the Hessian, which counts by cell and not by point, would round off what they show;
* lambda grows with the noise beside the spacing: the errors of neighbouring normals and moved points are alike, which
  their own weights do not know;
* the points are first moved to where their neighbours say that the surface is (`shapes.denoising`);
* trilinear cells on a uniform dyadic band in place of an octree; the Hessian by second differences;
* a far prior, absent there: away from the points the field is drawn to the distance to the nearest point, its sign
  taken from the winding number, as far as that is sure. Without it closed blobs of nothing grow behind thin tips.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from isofield.adapt import least_squares
from isofield.configs import SmoothConfig
from isofield.fields.grid import CORNERS, SparseGrid, cell_corners
from isofield.methods.step import Step
from isofield.shapes.denoising import denoised
from isofield.shapes.normals import Oriented, orient
from isofield.threads import nearest
from isofield.types import Observation

EDGES = [(a, b) for a in range(8) for b in range(a, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]
"""A cell's edges, as pairs of its corners."""
CELLS_OF_NODE = 8
"""Cells around a node within its level."""


def fit(observed: Observation, config: SmoothConfig, seed: int = 0, device: str = "cpu") -> Iterator[Step]:
    """The grid field of one shape, coarse levels first; the last step's field is the result."""
    yield Step("finding the sides", 0.0, None)
    oriented = orient(observed.points, observed.normals, observed.noise, seed)
    oriented = replace(oriented, points=denoised(oriented.points, oriented.normals, float(np.median(oriented.noise))))
    for step in fit_oriented(oriented, config):
        yield Step(step.stage, 0.4 + 0.6 * step.fraction, step.field)


def fit_oriented(points: Oriented, config: SmoothConfig) -> Iterator[Step]:
    """The grid field of points whose sides are known."""
    box = np.ptp(points.points, axis=0)
    longest = float(box.max())
    finest = max(longest / config.cells, config.least_cell * float(np.median(np.sqrt(points.areas))))
    side = finest * 2 ** (config.levels - 1)  # of a coarse cell
    shape = np.ceil((box + 2 * config.margin * longest) / side).astype(np.int64)
    origin = (points.points.min(0) + points.points.max(0)) / 2 - shape * side / 2
    tree = cKDTree(points.points)
    levels: list[Level] = []
    for number in range(config.levels):
        above = levels[-1] if levels else None
        level = _build(points, config, tree, origin, side, shape, number, above)
        levels.append(level)
        values = [v.values for v in levels] if number + 1 < config.levels else _distances(levels, origin)
        field = SparseGrid(origin.tolist(), side, shape.tolist(), [v.cells for v in levels], values)
        yield Step(f"smoothing on {round(longest / level.h)} cells", (number + 1) / config.levels, field)


@dataclass(frozen=True)
class Level:
    """One level's band: cells (m,) sorted keys, nodes (n,) sorted keys, corners (m, 8), values (n,), prior (n,) and
    its sureness."""

    h: float
    counts: np.ndarray
    cells: np.ndarray
    nodes: np.ndarray
    corners: np.ndarray
    values: np.ndarray
    sure: np.ndarray
    side: np.ndarray


def _build(points, config, tree, origin, side, shape, number, above) -> Level:
    h, counts = side / 2**number, shape * 2**number
    longest = np.ptp(points.points, axis=0).max()
    cells = np.arange(int(np.prod(counts))) if above is None else _refine(points.points, origin, above)
    nodes, corners = cell_corners(cells, shape, number)
    index = np.stack(np.unravel_index(nodes, counts + 1), 1)  # (n, 3)
    position = origin + index * h
    distance, closest = nearest(tree, position)
    if above is None or h > config.winding_cell * longest:
        winding = points.winding(position)
        side_of, sure = np.where(winding > 0.5, -1.0, 1.0), np.minimum(np.abs(2 * winding - 1), 1)
    else:
        sure, side_of = _from_above(above, above.sure, index), np.sign(_from_above(above, above.side, index))
    prior = side_of * distance
    if above is None:
        start, free = prior, np.ones(len(nodes), bool)
    else:
        start, free = (
            _from_above(above, above.values, index),
            np.bincount(corners.ravel(), minlength=len(nodes)) == CELLS_OF_NODE,
        )
    reach = max(h, config.prior_spacings * float(np.median(np.sqrt(points.areas))))
    weight = config.prior * sure**config.prior_power * np.clip(distance / reach - 2, 0, 1)
    noisy = config.smoothness_per_noise * points.noise / np.sqrt(points.areas)
    bending = np.maximum(config.smoothness, noisy) * np.sqrt(config.reference_cells * h / longest)
    rows = [
        *_data_rows(points, origin, h, counts, cells, corners, len(nodes), config),
        *_hessian_rows(nodes, index, counts, bending[closest]),
        _prior_rows(weight, prior / h),
    ]
    values = least_squares(rows, start / h, free, config.iterations[min(number, len(config.iterations) - 1)]) * h
    return Level(h, counts, cells, nodes, corners, values, sure, side_of)


def _refine(points: np.ndarray, origin: np.ndarray, above: Level) -> np.ndarray:
    """Keys of the next level's cells: the eight parts of cells at points, of their neighbours, and of cells near the
    zero set."""
    at = _locate(points, origin, above.h, above.counts)[0]
    grown = np.unique(at, axis=0)
    steps = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grown = np.clip((grown[:, None] + steps).reshape(-1, 3), 0, above.counts - 1)
    chosen = np.zeros(int(np.prod(above.counts)), bool)
    chosen[np.ravel_multi_index(tuple(grown.T), tuple(above.counts))] = True
    close = np.abs(above.values[above.corners]).min(1) < 1.5 * above.h
    chosen[above.cells[close]] = True
    parents = above.cells[chosen[above.cells]]
    index = np.stack(np.unravel_index(parents, above.counts), 1)
    children = (2 * index[:, None] + CORNERS).reshape(-1, 3)
    return np.sort(np.ravel_multi_index(tuple(children.T), tuple(2 * above.counts)))


def _from_above(above: Level, values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The level above's nodal values, trilinear, at nodes `index` (n, 3) of the next level, which all lie in its
    cells."""
    lookup = np.full(int(np.prod(above.counts + 1)), -1, np.int32)
    lookup[above.nodes] = np.arange(len(above.nodes), dtype=np.int32)
    low, odd = index // 2, index % 2
    total = np.zeros(len(index))
    for corner in CORNERS:  # an even coordinate has one node above, an odd one the mean of two
        weight = np.prod(np.where(odd == 1, 0.5, 1 - corner), 1)
        used = weight > 0
        at = lookup[np.ravel_multi_index(tuple((low[used] + corner).T), tuple(above.counts + 1))]
        total[used] += weight[used] * values[at]
    return total


def _distances(levels: list[Level], origin: np.ndarray) -> list[np.ndarray]:
    """Every level's values (n,), those away from the zero set replaced by the distance to it.

    The Hessian flattens the field where no point holds it, so that it falls short of a distance. The zero set, which
    stays, is where the edges of the finest cells cross it.
    """
    finest = levels[-1]
    index = np.stack(np.unravel_index(finest.nodes, finest.counts + 1), 1)
    inside = finest.values[finest.corners] < 0  # (m, 8)
    crossings = []
    for a, b in EDGES:
        pair = np.unique(finest.corners[inside[:, a] != inside[:, b]][:, [a, b]], axis=0)
        f = finest.values[pair].astype(np.float64)
        t = f[:, :1] / (f[:, :1] - f[:, 1:])
        crossings.append(origin + finest.h * (index[pair[:, 0]] * (1 - t) + index[pair[:, 1]] * t))
    surface = np.concatenate(crossings)
    if len(surface) == 0:
        return [level.values for level in levels]
    tree = cKDTree(surface)
    result: list[np.ndarray] = []
    for number, level in enumerate(levels):
        at = np.stack(np.unravel_index(level.nodes, level.counts + 1), 1)
        values = level.values.astype(np.float64)
        share = np.clip(np.abs(values) / finest.h - 1, 0, 1)  # from one finest cell away, wholly from two
        if level is finest:
            share[level.corners[inside.any(1) & ~inside.all(1)]] = 0
        far = np.flatnonzero(share > 0)
        distance, _ = nearest(tree, origin + level.h * at[far])
        values[far] += share[far] * (np.sign(values[far]) * distance - values[far])
        if number > 0:  # the border of a level stays what the level above interpolates
            border = np.bincount(level.corners.ravel(), minlength=len(level.nodes)) < CELLS_OF_NODE
            above = replace(levels[number - 1], values=result[-1])
            values[border] = _from_above(above, above.values, at[border])
        result.append(values)
    return result


def _locate(points: np.ndarray, origin: np.ndarray, h: float, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cell (n, 3) that holds each point and where in it, (n, 3) in [0, 1]."""
    u = (points - origin) / h
    index = np.clip(np.floor(u).astype(np.int64), 0, counts - 1)
    return index, u - index


def _data_rows(points: Oriented, origin, h, counts, cells, corners, unknowns, config):
    """f(p) = 0 and grad f(p) = n: matrices (n, unknowns) with right sides; unknowns are values in units of h."""
    index, t = _locate(points.points, origin, h, counts)
    corner = corners[np.searchsorted(cells, np.ravel_multi_index(tuple(index.T), tuple(counts)))]  # (n, 8)
    part = np.where(CORNERS[None] == 1, t[:, None], 1 - t[:, None])  # (n, 8, 3) weight along each axis
    slope = np.where(CORNERS == 1, 1.0, -1.0)[None]  # (1, 8, 3)
    longest = np.ptp(points.points, axis=0).max()
    sparse = np.sqrt(points.areas * (config.cells / longest) ** 2 / config.cells_per_point).clip(1)
    deviation = np.maximum(config.noise_share * points.noise / sparse, config.least_noise * longest)
    precision = h / deviation
    yield _sparse(corner, part.prod(2) * precision[:, None], unknowns), np.zeros(len(t))
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        weight = slope[:, :, axis] * part[:, :, others].prod(2) / config.normal_deviation
        yield _sparse(corner, weight, unknowns), points.normals[:, axis] / config.normal_deviation


def _hessian_rows(nodes, index, counts, weight):
    """Second differences along the axes, and across them (times sqrt 2), wherever the band has the nodes.

    weight: (n,) at each node.
    """
    lookup = np.full(int(np.prod(counts + 1)), -1, np.int32)
    lookup[nodes] = np.arange(len(nodes), dtype=np.int32)
    strides = np.array([(counts[1] + 1) * (counts[2] + 1), counts[2] + 1, 1])
    for axis in range(3):
        inner = np.flatnonzero((index[:, axis] > 0) & (index[:, axis] < counts[axis]))
        stencil = np.stack([lookup[nodes[inner] + s * strides[axis]] for s in (-1, 0, 1)], 1)
        whole = (stencil >= 0).all(1)
        rows = weight[inner[whole], None] * np.array([1.0, -2.0, 1.0])
        yield _sparse(stencil[whole], rows, len(nodes)), np.zeros(len(rows))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        inner = np.flatnonzero((index[:, a] < counts[a]) & (index[:, b] < counts[b]))
        stencil = np.stack([lookup[nodes[inner] + s] for s in (0, strides[a], strides[b], strides[a] + strides[b])], 1)
        whole = (stencil >= 0).all(1)
        rows = weight[inner[whole], None] * np.sqrt(2) * np.array([1.0, -1.0, -1.0, 1.0])
        yield _sparse(stencil[whole], rows, len(nodes)), np.zeros(len(rows))


def _sparse(columns: np.ndarray, weights: np.ndarray, unknowns: int) -> csr_matrix:
    """Matrix of one row a stencil: columns, weights (m, k)."""
    start = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    data = np.ascontiguousarray(weights, np.float32).ravel()
    return csr_matrix((data, np.ascontiguousarray(columns, np.int32).ravel(), start), shape=(len(columns), unknowns))


def _prior_rows(weight: np.ndarray, prior: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    used = np.flatnonzero(weight > 0)
    return _sparse(used[:, None], weight[used, None], len(weight)), (weight * prior)[used]
