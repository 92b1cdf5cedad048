"""The lattice on which a field is sampled: cubic cells in a box, with a 64-bit key for each node."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Lattice:
    """Nodes `lower + spacing * (i, j, k)`, 0 <= (i, j, k) <= `cells`, at which `values` evaluates a field.

    lower, upper: (3,) corners of the box; resolution: cells along its longest side. The cells are cubes that start at
    `lower`; along the shorter sides the last one may extend beyond the box by less than a cell.
    Nodes on the lattice's border count as outside (a negative value is mirrored), so every surface is closed. A value
    below zero is inside; a value within rounding of zero is set to zero, so that a surface through nodes passes all of
    them on the same side. `evaluations` counts the evaluated nodes.
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
