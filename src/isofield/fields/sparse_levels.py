"""The levels of a sparse grid during a fit: their cells, nodes and values, and redistancing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from isofield.fields.array_grid import ArrayGrid, array_grid, cell_corners
from isofield.kdtree import KDTree, nearest
from isofield.stopwatch import stage
from isofield.threads import parallel_map, ranges
from isofield.topology import among, distinct_keys
from isofield.types import CORNERS

EDGES = [[(a, a + step) for a in range(8) if not a & step] for step in (4, 2, 1)]
"""A cell's edges along each axis, as pairs of its corners."""
CELLS_OF_NODE = 8
"""Cells around an inner node of a level."""
INTERPOLATED = 32_768
"""Nodes that one thread interpolates at a time."""
CLOSE = 1.5
"""A cell is near the zero set where a value is below this many times its side."""


@dataclass(frozen=True)
class Band:
    """The cells of one level, and the values at their corners, the nodes.

    origin: (3,) lower corner of the grid. h: side of a cell. counts: (3,) cells along each axis, present or not. cells:
    (m,) sorted keys. nodes: (n,) sorted keys. corners: (m, 8) rows of each cell's nodes. values: (n,).
    """

    origin: np.ndarray
    h: float
    counts: np.ndarray
    cells: np.ndarray
    nodes: np.ndarray
    corners: np.ndarray
    values: np.ndarray

    def with_values(self, values: np.ndarray) -> Band:
        """The same cells and nodes with other values (n,); what was found out about them is kept."""
        band = replace(self, values=values)
        known = ("index", "inner", "ahead", "behind")
        vars(band).update({name: vars(self)[name] for name in known if name in vars(self)})
        return band

    @cached_property
    def index(self) -> np.ndarray:
        """(n, 3) integer coordinates of the nodes."""
        return np.stack(np.unravel_index(self.nodes, self.counts + 1), 1)

    @property
    def positions(self) -> np.ndarray:
        """(n, 3) positions of the nodes."""
        return self.origin + self.index * self.h

    @cached_property
    def inner(self) -> np.ndarray:
        """(n,) bool: all cells around the node are present."""
        cells = np.zeros(len(self.nodes), np.uint8)
        for rows in self.corners.T:  # a node is the same corner of one cell at most
            cells[rows] += 1
        return cells == CELLS_OF_NODE

    def rows(self, keys: np.ndarray) -> np.ndarray:
        """(m,) the rows of the nodes with keys (m,), or -1; fastest for sorted keys."""
        row = np.searchsorted(self.nodes, keys)
        row[row == len(self.nodes)] = 0
        return np.where(self.nodes[row] == keys, row, -1)

    @cached_property
    def ahead(self) -> list[np.ndarray]:
        """For each axis (n + 1,) int32, the row of each node's neighbour one step along it, or -1, also for row -1."""
        found = []
        for axis in range(3):
            stride = int(np.prod(self.counts[axis + 1 :] + 1))
            keys = np.where(self.index[:, axis] < self.counts[axis], self.nodes + stride, -1)
            found.append(np.append(self.rows(keys), -1).astype(np.int32))
        return found

    @cached_property
    def behind(self) -> list[np.ndarray]:
        """As `ahead`, one step back."""
        found = []
        for ahead in self.ahead:
            back = np.full(len(ahead), -1, np.int32)
            back[ahead[:-1]] = np.arange(len(ahead) - 1, dtype=np.int32)
            back[-1] = -1  # row -1 got the nodes without a neighbour
            found.append(back)
        return found

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of points (n, 3) lie in cells that are present: (n,) bool."""
        key = np.ravel_multi_index(tuple(self.locate(points)[0].T), tuple(self.counts))
        row = np.minimum(np.searchsorted(self.cells, key), len(self.cells) - 1)
        return self.cells[row] == key

    def locate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The cells (n, 3) of points (n, 3), and the points' coordinates (n, 3) in them, in [0, 1]."""
        u = (points - self.origin) / self.h
        index = np.clip(np.floor(u).astype(np.int64), 0, self.counts - 1)
        return index, u - index


def whole(origin: np.ndarray, h: float, counts: np.ndarray) -> Band:
    """The coarsest level: every cell, with values of 0."""
    return _band(origin, h, counts, np.arange(int(np.prod(counts))))


def refined(above: Band, points: np.ndarray, near: np.ndarray | None = None) -> Band:
    """The next level: children of the cells at points (n, 3), of their neighbours, and of cells near the zero set.

    near: (m,) bool, nodes of the level above; cells near the zero set need one of them. Its values are 0.
    """
    counts = tuple(above.counts)
    keys = distinct_keys(np.ravel_multi_index(tuple(above.locate(points)[0].T), counts))
    steps = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grown = np.clip((np.stack(np.unravel_index(keys, counts), 1)[:, None] + steps).reshape(-1, 3), 0, above.counts - 1)
    close = np.abs(above.values[above.corners]).min(1) < CLOSE * above.h
    if near is not None:
        close &= near[above.corners].any(1)
    parents = above.cells[among(above.cells, np.ravel_multi_index(tuple(grown.T), counts)) | close]
    index = np.stack(np.unravel_index(parents, above.counts), 1)
    children = (2 * index[:, None] + CORNERS).reshape(-1, 3)
    keys = np.sort(np.ravel_multi_index(tuple(children.T), tuple(2 * above.counts)))
    return _band(above.origin, above.h / 2, 2 * above.counts, keys)


def _band(origin: np.ndarray, h: float, counts: np.ndarray, cells: np.ndarray) -> Band:
    nodes, corners = cell_corners(cells, counts, 0)
    return Band(origin, h, counts, cells, nodes, corners, np.zeros(len(nodes), np.float32))


def interpolated(above: Band, values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Values (m, ...) at the nodes of the level above, interpolated (n, ...) at nodes `index` (n, 3) of the next level.

    All of these nodes lie in cells of the level above.
    """
    between = np.array([bin(number).count("1") for number in range(8)])

    def part(rows: slice) -> np.ndarray:
        odd = (index[rows] & 1) @ np.array([4, 2, 1])
        low = above.rows(np.ravel_multi_index(tuple((index[rows] >> 1).T), tuple(above.counts + 1)))
        total = np.zeros((len(odd), *values.shape[1:]))
        for number, corner in enumerate(CORNERS):  # an even coordinate is that of a node, an odd one is between two
            used = np.flatnonzero((odd & number) == number)
            at = low[used]
            for axis in np.flatnonzero(corner):
                at = above.ahead[axis][at]
            total[used] += values[at]
        return total * (0.5 ** between[odd]).reshape(-1, *[1] * (values.ndim - 1))

    return np.concatenate([np.zeros((0, *values.shape[1:])), *parallel_map(part, ranges(len(index), INTERPOLATED))])


@stage("redistancing")
def redistanced(bands: Sequence[Band]) -> list[Band]:
    """The levels, coarse to fine, whose values away from the zero set are replaced by the distance to it.

    The zero set is sampled at its intersections with the edges of the finest cells at each place, and does not move. A
    smooth field falls short of the distance where no data constrain it.
    """
    samples, sizes, crossed = [], [], []
    for band, below in zip(bands, [*bands[1:], None], strict=True):
        inside = band.values[band.corners] < 0  # (m, 8)
        crossed.append(band.corners[inside.any(1) & ~inside.all(1) & ~_halved(band, below)])
        samples.append(_crossings(band, crossed[-1]))
        sizes.append(np.full(len(samples[-1]), band.h))
    surface, size = np.concatenate(samples), np.concatenate(sizes)
    if len(surface) == 0:
        return list(bands)
    tree = KDTree(surface)
    result: list[Band] = []
    for band, fixed in zip(bands, crossed, strict=True):
        values = band.values.astype(np.float64)
        far = np.flatnonzero(np.abs(values) > bands[-1].h)
        distance, closest = nearest(tree, band.positions[far])
        share = np.zeros(len(values))  # 0 within one cell of those at the zero set, 1 beyond two
        share[far] = np.clip(np.abs(values[far]) / size[closest] - 1, 0, 1)
        share[fixed] = 0
        values[far] += share[far] * (np.sign(values[far]) * distance - values[far])
        if result:  # the border of a level interpolates the level above
            border = ~band.inner
            values[border] = interpolated(result[-1], result[-1].values, band.index[border])
        result.append(band.with_values(values))
    return result


def _halved(band: Band, below: Band | None) -> np.ndarray:
    """(m,) bool: which cells of a level have children in the level below."""
    if below is None:
        return np.zeros(len(band.cells), bool)
    parents = np.stack(np.unravel_index(below.cells, below.counts)) // 2
    return among(band.cells, np.ravel_multi_index(tuple(parents), tuple(band.counts)))


def _crossings(band: Band, corners: np.ndarray) -> np.ndarray:
    """(k, 3) where the edges of cells with nodes `corners` (m, 8) cross the zero set."""
    inside, crossings, count = band.values[corners] < 0, [], len(band.nodes)
    for parallel in EDGES:
        crossed = [(corners[inside[:, a] != inside[:, b]], a, b) for a, b in parallel]
        keys = [some[:, a].astype(np.int64) * count + some[:, b] for some, a, b in crossed]
        pair = np.stack(np.divmod(distinct_keys(np.concatenate(keys)), count), 1)
        f = band.values[pair].astype(np.float64)
        t = f[:, :1] / (f[:, :1] - f[:, 1:])
        crossings.append(band.origin + band.h * (band.index[pair[:, 0]] * (1 - t) + band.index[pair[:, 1]] * t))
    return np.concatenate(crossings)


def sparse_grid(bands: Sequence[Band]) -> ArrayGrid:
    """The field of levels, coarse to fine."""
    first = bands[0]
    cells, values, corners = zip(*((band.cells, band.values, band.corners) for band in bands), strict=True)
    return array_grid(first.origin, first.h, first.counts, cells, values, corners)
