"""A lattice of cubic cells on which a field is sampled, and those of its cells that a level set crosses, by
coarse-to-fine evaluation of the field at their corners.

A cell of side s is kept where the distances at its corners allow a surface inside it. For a field with Lipschitz
constant L and a point p of the surface in the cell, |f(c)| <= L |p - c| holds at every corner c. Hence, over the eight
corners, min |f| <= sqrt(3)/2 L s (p is nearest to some corner) and mean |f| <= (3 + 3 sqrt 2 + sqrt 3)/8 L s (the mean
distance to the corners is convex in p, so largest at a corner). Both are necessary: nothing is lost where L is right.
L is estimated from difference quotients of the values, which also serve fields that are scaled, squashed or rough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from isofield.topology import distinct_keys
from isofield.types import CORNERS

SAFETY = 1.15
"""Factor on the measured Lipschitz constant."""
QUANTILE = 0.9
"""Quantile of the cells' steepness near the surface that is used for every cell that is not steeper itself."""
COARSE = 32
"""Cells along the longest side at which refinement starts."""
CELL_LIMIT = 6_000_000
"""With more cells than this at a level, every node is evaluated: the arrays would not fit in memory beside a model."""
PROBES = 4096
"""Discarded cells of each level in which one node is still evaluated, to detect a bound that is too small."""
NEAREST = np.sqrt(3) / 2
MEAN = (3 + 3 * np.sqrt(2) + np.sqrt(3)) / 8
CHUNK = 262_144

STEPS = np.array([(i, j, k) for i in range(3) for j in range(3) for k in range(3)], np.int64)
"""(27, 3): the nodes of a halved cell."""
IS_CORNER = (STEPS % 2 == 0).all(axis=1)
EDGES = np.array([(a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit], np.int64)
"""(12, 2): the two corners of each edge of a cell; four edges along each axis."""


class Lattice:
    """Nodes `lower + spacing * (i, j, k)`, 0 <= (i, j, k) <= `cells`, at which `values` evaluates a field.

    lower, upper: (3,) corners of the box; resolution: cells along its longest side. The cells are cubes that start at
    `lower`; along the shorter sides the last one may extend beyond the box by less than a cell. Nodes on the lattice's
    border count as outside (a negative value is mirrored), so every surface is closed. A value below zero is inside; a
    value within rounding of zero is set to zero, so that a surface through nodes passes all of them on the same side.
    `evaluations` counts the evaluated nodes.
    """

    def __init__(
        self,
        distance: Callable[[np.ndarray], np.ndarray],
        lower: np.ndarray,
        upper: np.ndarray,
        resolution: int,
        level: float,
        batch: int,
    ) -> None:
        extent = upper - lower
        self.lower = lower
        self.spacing = float(extent.max()) / resolution
        self.cells = np.maximum(np.ceil(extent / self.spacing - 1e-6).astype(np.int64), 2)
        self.strides = np.array([(self.cells[1] + 1) * (self.cells[2] + 1), self.cells[2] + 1, 1], np.int64)
        self.nodes = int(np.prod(self.cells + 1))
        self.evaluations = 0
        self._distance, self._level, self._batch = distance, level, batch
        self._rounding: float | None = None

    def keys(self, index: np.ndarray) -> np.ndarray:
        """Keys (...) of node indices (..., 3), which are clipped to the lattice's upper border."""
        clipped = np.minimum(index, self.cells)
        return clipped[..., 0] * self.strides[0] + clipped[..., 1] * self.strides[1] + clipped[..., 2]

    def index(self, keys: np.ndarray) -> np.ndarray:
        """Node indices (n, 3) of keys (n,)."""
        first, rest = np.divmod(keys, self.strides[0])
        second, third = np.divmod(rest, self.strides[1])
        return np.stack([first, second, third], axis=1)

    def values(self, keys: np.ndarray) -> np.ndarray:
        """Distances minus the level (n,) at keys (n,), evaluated in batches; NaN counts as far outside.

        Raises ValueError if the callable does not return one number a point.
        """
        result = np.empty(len(keys))
        for start in range(0, len(keys), self._batch):
            part = slice(start, start + self._batch)
            index = self.index(keys[part])
            value = np.asarray(self._distance(self.lower + self.spacing * index), np.float64)
            if value.shape != (len(index),):
                raise ValueError(f"distance() returned an array of shape {value.shape} for {len(index)} points.")
            value = np.nan_to_num(value - self._level, nan=1e30, posinf=1e30, neginf=-1e30)
            if self._rounding is None:
                self._rounding = 1e-12 * float(np.median(np.abs(value)))
            value[np.abs(value) <= self._rounding] = 0
            border = ((index == 0) | (index == self.cells)).any(axis=1)
            value[border] = np.abs(value[border])
            result[part] = value
        self.evaluations += len(keys)
        return result


@dataclass(frozen=True)
class Cells:
    """Cells of a lattice at one step. low: (n, 3) index of the low corner; values: (n, 8) in the order of `CORNERS`."""

    low: np.ndarray
    values: np.ndarray


class Missed(Exception):
    """The bound discarded a cell that the surface crosses, or keeps too many cells to be worthwhile."""


def crossed(lattice: Lattice, safety: float = SAFETY) -> Cells:
    """All cells of side one that the level crosses, that is, with corners on both sides; coarse to fine.

    Raises Missed if the field violates the bound, its own difference quotients times `safety`.
    """
    if coarse_step(lattice) == 1:
        return swept(lattice)
    border = _Border(lattice)
    cells = _refined(lattice, 2, safety, border)
    return _finest(lattice, cells, border) if len(cells.low) else cells  # none: the field has no surface at this level


def touched(lattice: Lattice) -> Cells:
    """All cells of side one that the surface of an unsigned distance may cross, by the same bounds."""
    return _refined(lattice, 1, 2 * SAFETY, _Border(lattice))


def _refined(lattice: Lattice, finest: int, safety: float, border: _Border) -> Cells:
    """The cells of side `finest` that the surface may cross."""
    step = coarse_step(lattice)
    cells = _coarse(lattice, step, border)
    random = np.random.default_rng(0)
    while True:
        keep = _near(lattice, cells, step, safety)
        if keep.sum() > CELL_LIMIT:
            raise Missed
        if step > 1:
            _probe(lattice, Cells(cells.low[~keep], cells.values[~keep]), step, random)
        cells = Cells(cells.low[keep], cells.values[keep])
        if step == finest or not keep.any():
            return cells
        step //= 2
        keys, values = _halve(lattice, cells, step, border)
        cells = _join([_children(lattice, *cube, step, False) for cube in _cubes(lattice, cells, step, keys, values)])


def swept(lattice: Lattice) -> Cells:
    """The result of `crossed`, but every node is evaluated, a slab of planes at a time."""
    plane = int(lattice.strides[0])
    thick = max(1, 2_000_000 // plane)
    parts: list[Cells] = []
    last = lattice.values(np.arange(plane))[None]
    for start in range(0, int(lattice.cells[0]), thick):
        stop = min(start + thick, int(lattice.cells[0]))
        values = lattice.values(np.arange((start + 1) * plane, (stop + 1) * plane)).reshape(stop - start, plane)
        slab = np.concatenate([last, values]).reshape(-1, *(lattice.cells[1:] + 1))
        last = values[-1:]
        inside = slab < 0
        views = [inside[_corner_view(corner)] for corner in CORNERS]
        low = np.argwhere(np.logical_or.reduce(views) & ~np.logical_and.reduce(views))
        corners = np.stack([slab[tuple((low + corner).T)] for corner in CORNERS], axis=1)
        parts.append(Cells(low + np.array([start, 0, 0]), corners))
    return _join(parts)


def coarse_step(lattice: Lattice) -> int:
    """The power of two at which refinement starts: about `COARSE` cells along the longest side."""
    return 1 << max(0, round(np.log2(int(lattice.cells.max()) / COARSE)))


class _Border:
    """A cache of values at the upper border, where the step does not divide the number of cells.

    Cells that are cut short by the border have nodes there that recur at each level.
    """

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._keys = np.empty(0, np.int64)
        self._values = np.empty(0)

    def values(self, keys: np.ndarray) -> np.ndarray:
        """Values (n,) at sorted keys (n,); only those that are not cached are evaluated."""
        lattice = self._lattice
        result = np.empty(len(keys))
        if len(self._keys):
            at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            old = self._keys[at] == keys
            result[old] = self._values[at[old]]
        else:
            old = np.zeros(len(keys), bool)
        result[~old] = lattice.values(keys[~old])
        added = np.flatnonzero(~old)[(lattice.index(keys[~old]) == lattice.cells).any(axis=1)]
        merged = np.concatenate([self._keys, keys[added]])
        order = np.argsort(merged)
        self._keys = merged[order]
        self._values = np.concatenate([self._values, result[added]])[order]
        return result


def _corner_view(corner: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(1, None) if one else slice(None, -1) for one in corner)


def _join(parts: list[Cells]) -> Cells:
    if not parts:
        return Cells(np.empty((0, 3), np.int64), np.empty((0, 8)))
    return Cells(np.concatenate([part.low for part in parts]), np.concatenate([part.values for part in parts]))


def _coarse(lattice: Lattice, step: int, border: _Border) -> Cells:
    axes = [np.append(np.arange(0, count, step), count) for count in lattice.cells]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = border.values(lattice.keys(grid).ravel()).reshape(grid.shape[:3])
    low = grid[:-1, :-1, :-1].reshape(-1, 3)
    corners = np.stack([values[_corner_view(corner)].ravel() for corner in CORNERS], axis=1)
    return Cells(low, corners)


def _near(lattice: Lattice, cells: Cells, step: int, safety: float) -> np.ndarray:
    """Which cells (n,) the surface may cross, by the two bounds."""
    side = lattice.spacing * step
    cube = cells.values.reshape(-1, 2, 2, 2)
    slopes = [np.diff(cube, axis=axis).reshape(-1, 4) / side for axis in (1, 2, 3)]
    steepest = np.maximum.reduce([np.abs(slope).max(axis=1) for slope in slopes])
    gradient = np.sqrt(sum(slope.mean(axis=1) ** 2 for slope in slopes))
    local = np.maximum(steepest, gradient)
    size = np.abs(cells.values)
    nearest, mean = size.min(axis=1), size.mean(axis=1)
    mixed = _mixed(cells.values)
    # The constant is estimated near the surface and away from the border, whose mirrored values are not distances.
    inner = ((cells.low > 0) & (cells.low + step < lattice.cells)).all(axis=1)
    band = inner & (mixed | (nearest <= 2 * NEAREST * side * local))
    if not band.any():
        band = inner if inner.any() else np.ones(len(local), bool)
    lipschitz = safety * np.maximum(np.quantile(local[band], QUANTILE), local)
    if not lipschitz.any():
        raise Missed  # a constant field
    return mixed | ((nearest <= NEAREST * side * lipschitz) & (mean <= MEAN * side * lipschitz))


def _probe(lattice: Lattice, discarded: Cells, step: int, random: np.random.Generator) -> None:
    """Raise Missed where a random node inside a discarded cell and the cell's corners have different signs."""
    chosen = np.sort(random.permutation(len(discarded.low))[:PROBES])
    index = discarded.low[chosen] + random.integers(1, step, (len(chosen), 3))
    within = (index < lattice.cells).all(axis=1)
    values = lattice.values(lattice.keys(index[within]))
    if ((values < 0) != (discarded.values[chosen[within], 0] < 0)).any():
        raise Missed


def _halve(lattice: Lattice, cells: Cells, step: int, border: _Border) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys and values of the nodes that are added when cells of side 2 * step are halved."""
    offsets = STEPS[~IS_CORNER] * step
    parts = [np.empty(0, np.int64)]
    for start in range(0, len(cells.low), CHUNK):
        low = cells.low[start : start + CHUNK]
        keys = np.empty((len(offsets), len(low)), np.int64)
        for row, offset in zip(keys, offsets, strict=True):
            row[:] = lattice.keys(low + offset)
        parts.append(distinct_keys(keys))
    keys = distinct_keys(np.concatenate(parts))
    return keys, (lattice.values(keys) if (lattice.cells % (2 * step) == 0).all() else border.values(keys))


def _cubes(
    lattice: Lattice, cells: Cells, step: int, keys: np.ndarray, values: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields low corners (m, 3) and values (m, 3, 3, 3) of cells of side 2 * step, a chunk at a time."""
    for start in range(0, len(cells.low), CHUNK):
        low = cells.low[start : start + CHUNK]
        cube = np.empty((len(low), 27))
        cube[:, IS_CORNER] = cells.values[start : start + CHUNK]
        for column in np.flatnonzero(~IS_CORNER):
            cube[:, column] = values[np.searchsorted(keys, lattice.keys(low + STEPS[column] * step))]
        yield low, cube.reshape(-1, 3, 3, 3)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Which cells with values (n, 8) have corners of both signs: (n,) bool. Eight flags are compared as one word."""
    words = np.ascontiguousarray(values < 0).view(np.uint64)[:, 0]
    return (words != 0) & (words != 0x0101010101010101)


def _children(lattice: Lattice, low: np.ndarray, cube: np.ndarray, step: int, only_mixed: bool) -> Cells:
    """The eight children of each cell, without those that lie beyond the lattice's border."""
    lows, values = [], []
    for i, j, k in CORNERS:
        child = low + np.array([i, j, k]) * step
        corners = cube[:, i : i + 2, j : j + 2, k : k + 2].reshape(-1, 8)
        keep = (child[:, 0] < lattice.cells[0]) & (child[:, 1] < lattice.cells[1]) & (child[:, 2] < lattice.cells[2])
        if only_mixed:
            keep &= _mixed(corners)
        lows.append(child[keep])
        values.append(corners[keep])
    return Cells(np.concatenate(lows), np.concatenate(values))


def _finest(lattice: Lattice, cells: Cells, border: _Border) -> Cells:
    """Halve cells of side two, and add the neighbours into which the surface continues, so that it has no hole."""
    keys, values = _halve(lattice, cells, 1, border)
    parts: list[Cells] = []
    visited = distinct_keys(lattice.keys(cells.low))
    added = cells
    while len(added.low):
        neighbours: list[np.ndarray] = []
        for low, cube in _cubes(lattice, added, 1, keys, values):
            mixed = _children(lattice, low, cube, 1, True)
            parts.append(mixed)
            parents = np.isin(lattice.keys(low), lattice.keys(mixed.low & ~1))
            neighbours.append(_neighbours(lattice, low[parents], cube[parents] < 0))
        missing = np.setdiff1d(distinct_keys(np.concatenate(neighbours)), visited, assume_unique=True)
        if not len(missing):
            break
        if lattice.evaluations > 2 * lattice.nodes:
            raise Missed
        visited = distinct_keys(np.concatenate([visited, missing]))
        added, keys, values = _annex(lattice, cells, added, lattice.index(missing), keys, values)
    return _join(parts)


def _neighbours(lattice: Lattice, low: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Keys of the cells of side two across those faces that the surface crosses; inside: (n, 3, 3, 3)."""
    keys = [np.empty(0, np.int64)]
    for axis in range(3):
        for end, move in ((0, -2), (2, 2)):
            face = inside.take(end, axis=axis + 1).reshape(-1, 9)
            other = low[face.any(axis=1) & ~face.all(axis=1)]
            other[:, axis] += move
            keys.append(lattice.keys(other[((other >= 0) & (other < lattice.cells)).all(axis=1)]))
    return np.concatenate(keys)


def _annex(
    lattice: Lattice, cells: Cells, added: Cells, low: np.ndarray, keys: np.ndarray, values: np.ndarray
) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Cells of side two at `low`, and sorted keys and values of all nodes so far, including theirs."""
    corners = [lattice.keys(part.low[:, None] + 2 * CORNERS).ravel() for part in (cells, added)]
    every = np.concatenate([keys, *corners])
    every, first = np.unique(every, return_index=True)
    every_value = np.concatenate([values, cells.values.ravel(), added.values.ravel()])[first]
    wanted = distinct_keys(lattice.keys(low[:, None] + STEPS))
    new = np.setdiff1d(wanted, every, assume_unique=True)
    every = np.concatenate([every, new])
    order = np.argsort(every)
    every, every_value = every[order], np.concatenate([every_value, lattice.values(new)])[order]
    corners_at = np.searchsorted(every, lattice.keys(low[:, None] + 2 * CORNERS))
    return Cells(low, every_value[corners_at]), every, every_value
