"""A signed distance on a sparse grid of several levels, as arrays: fine near the surface, coarse elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isofield.threads import parallel_map, ranges
from isofield.topology import distinct_keys, holds
from isofield.types import CORNERS

BATCH = 16_384
"""Points at which one thread evaluates a grid at a time."""


@dataclass(frozen=True, eq=False)
class ArrayGrid:
    """Trilinear interpolation in the finest cell that contains a point.

    Outside the grid, the value is the distance to the surface that the value and the gradient at the closest point of
    the grid's box predict. Level l has cells of side `side / 2**l`; level 0 is dense, a finer level covers whole cells
    of the level above. The field is continuous where the values at the border of a level interpolate the level above.
    `fields.grid.SparseGrid` is the same field for torch.

    origin: (3,) float32 lower corner. side: of a coarse cell. shape: number of coarse cells along each axis. cells: for
    each level the sorted keys (m_l,) int64 of its cells, key = (i * ny + j) * nz + k with that level's own counts.
    values: for each level the values (n_l,) float32 at its nodes, in the order of the nodes' keys. corners: for each
    level the rows (m_l, 8) of each cell's nodes.
    """

    kind: ClassVar[str] = "grid"
    stored_as: ClassVar[str] = "SparseGrid"
    origin: np.ndarray
    side: float
    shape: tuple[int, ...]
    cells: Sequence[np.ndarray]
    values: Sequence[np.ndarray]
    corners: Sequence[np.ndarray]

    @property
    def levels(self) -> int:
        """The number of levels."""
        return len(self.cells)

    @classmethod
    def stored(cls, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ArrayGrid:
        """The grid of `config()` and `named_arrays()`. Raises KeyError, TypeError or ValueError where they differ."""
        levels = range(int(config["levels"]))
        cells, values = ([arrays[f"{name}_{level}"] for level in levels] for name in ("cells", "values"))
        return array_grid(arrays["origin"], config["side"], config["shape"], cells, values)

    def config(self) -> dict[str, Any]:
        """Side, shape and the number of levels."""
        return {"side": self.side, "shape": list(self.shape), "levels": self.levels}

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Origin, cells and values by name."""
        levels = [(f"cells_{level}", cells) for level, cells in enumerate(self.cells)]
        levels += [(f"values_{level}", values) for level, values in enumerate(self.values)]
        return {"origin": self.origin, **dict(levels)}

    def resolved(self, most: int, share: float = 0.0) -> int:
        """The finest level at whose cells the zero set crosses at most about `most` cells, and that resolves at least
        this share of its area; level 0 at least.

        The zero set is counted by the cells without finer ones that it crosses.
        """
        counts = []
        for level in range(self.levels):
            inside = self.values[level][self.corners[level]] < 0
            keys = self.cells[level][inside.any(1) & ~inside.all(1)]
            if level + 1 < self.levels:
                index = np.unravel_index(keys, np.array(self.shape) * 2**level)
                child = np.ravel_multi_index(
                    tuple(2 * i for i in index), tuple(2 ** (level + 1) * np.array(self.shape))
                )
                keys = keys[~holds(self.cells[level + 1], child)]
            counts.append(len(keys))
        total = [sum(n * 4.0 ** (level - at) for at, n in enumerate(counts)) for level in range(self.levels)]
        area = np.array([n * 4.0**-level for level, n in enumerate(counts)])
        fine = np.cumsum(area[::-1])[::-1] / max(area.sum(), 1e-300)
        return max(
            level for level in range(self.levels) if level == 0 or (total[level] <= most and fine[level] >= share)
        )

    def distances(self, x: np.ndarray) -> np.ndarray:
        """Signed distances (n,) float64 at x (n, 3), on several threads."""
        parts = parallel_map(lambda chunk: self(x[chunk]).astype(np.float64), ranges(len(x), BATCH))
        return np.concatenate([np.zeros(0), *parts])

    @np.errstate(invalid="ignore", over="ignore")
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Signed distances (n,) float32 at x (n, 3)."""
        counts = np.array(self.shape)
        u = (np.asarray(x, np.float32) - self.origin) / np.float32(self.side)  # (n, 3) in coarse cells
        inside = np.clip(u, 0, counts.astype(np.float32))
        outside = (u != inside).any(1)
        result, slope = np.zeros(len(x), np.float32), np.zeros((len(x), 3), np.float32)
        todo = np.arange(len(x))
        for level in reversed(range(self.levels)):
            if len(todo) == 0:
                break
            keys, scale = self.cells[level], 2**level
            fine = inside[todo] * np.float32(scale)
            index = np.clip(fine.astype(np.int64), 0, counts * scale - 1)
            key = np.ravel_multi_index(tuple(index.T), tuple(counts * scale))
            row = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            hit = keys[row] == key
            at, t = todo[hit], (fine - index.astype(np.float32))[hit]
            nodal = self.values[level][self.corners[level][row[hit]]].T.reshape(2, 2, 2, -1)
            result[at] = _between(nodal, t.T)
            far = outside[at]
            if far.any():
                slope[at[far]] = _slope(nodal[..., far], t[far].T)
            todo = todo[~hit]
        if not outside.any():
            return result
        away, value = (u - inside)[outside] * np.float32(self.side), result[outside]  # (m, 3), (m,)
        slope = slope[outside]
        foot = value[:, None] * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
        result[outside] = np.where(value < 0, value + np.linalg.norm(away, axis=1), np.linalg.norm(away + foot, axis=1))
        return result


def array_grid(
    origin: Sequence[float] | np.ndarray, side: float, shape: Sequence[int] | np.ndarray, cells: Sequence[np.ndarray],
    values: Sequence[np.ndarray], corners: Sequence[np.ndarray] | None = None,
) -> ArrayGrid:  # fmt: skip
    """The grid of these cells and values; corners: of the cells, if they were computed before. Raises ValueError
    where cells and values do not match."""
    counts, keys = tuple(int(n) for n in shape), [np.asarray(one, np.int64) for one in cells]
    nodal = [np.asarray(one, np.float32) for one in values]
    rows = corners or [cell_corners(one, counts, level)[1] for level, one in enumerate(keys)]
    for level, (row, value) in enumerate(zip(rows, nodal, strict=True)):
        if len(value) != (count := int(row.max(initial=-1)) + 1):
            raise ValueError(f"level {level} of the grid has {count} nodes, but {len(value)} values")
    return ArrayGrid(np.array(origin, np.float32), float(side), counts, keys, nodal, rows)


def _between(corners: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Linear interpolation (n,) along each axis of values (2, ..., n) at the corners of n cells, at t (axes, n)."""
    for share in t:
        corners = corners[0] + (corners[1] - corners[0]) * share
    return corners


def _slope(corners: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Gradient (n, 3), per cell, of the trilinear interpolation of values (2, 2, 2, n) at t (3, n)."""
    steps = (np.diff(corners, axis=axis).squeeze(axis) for axis in range(3))
    return np.stack([_between(step, np.delete(t, axis, 0)) for axis, step in enumerate(steps)], 1)


def cell_corners(keys: np.ndarray, shape: Sequence[int] | np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes of cells with sorted `keys` (m,): their sorted keys (n,) int64, and the rows (m, 8) int32 of each
    cell's corners.

    A node's key is (i * (ny + 1) + j) * (nz + 1) + k, where ny and nz count the cells of the level.
    """
    counts = np.asarray(shape, np.int64) * 2**level
    i, j, k = np.unravel_index(keys, counts)
    first = (i * (counts[1] + 1) + j) * (counts[2] + 1) + k  # of each cell's corner 0, sorted
    steps = CORNERS @ np.array([(counts[1] + 1) * (counts[2] + 1), counts[2] + 1, 1])
    # Cells that follow one another along z share nodes, which follow one another, too: only the first is searched for.
    start = np.flatnonzero(np.diff(first, prepend=-2) != 1)
    length = np.diff(np.append(start, len(first)))
    along = np.arange(len(first), dtype=np.int32) - np.repeat(start.astype(np.int32), length)
    last = first[start + length - 1] + 1
    nodes = distinct_keys(np.concatenate([keys + step for step in steps[::2] for keys in (first, last)]))
    rows = np.empty((len(first), len(CORNERS)), np.int32)
    for corner in range(0, len(CORNERS), 2):
        row = np.repeat(np.searchsorted(nodes, first[start] + steps[corner]).astype(np.int32), length) + along
        rows[:, corner], rows[:, corner + 1] = row, row + 1
    return nodes, rows
