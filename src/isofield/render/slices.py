"""Planes through fields: signed distances at a grid of points, and their picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from isofield.render.planes import level_sets
from isofield.types import Distance

INNER, LINES = 5, 40
"""Contour lines from the surface to the depth of the shape, about, and to the largest distance, at most."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Distances in a plane across an axis, in the units of the field.

    axis: 0, 1 or 2, across which the plane lies. position: its coordinate. origin: (2,) coordinates of the first sample
    along the two other axes, in their order. step: (2,) distances of neighbouring samples. values: (h, w), negative
    inside; rows along the first of the other axes.
    """

    axis: int
    position: float
    origin: np.ndarray
    step: np.ndarray
    values: np.ndarray

    def points(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(n, 3) positions at fractional rows and columns (n,)."""
        return _across(self.axis, self.position, self.origin + np.stack([rows, columns], 1) * self.step)


def slice_of(
    distance: Distance, lower: np.ndarray, upper: np.ndarray, axis: int, position: float, resolution: int = 128
) -> Slice:
    """The distances in a plane of the box from lower (3,) to upper (3,), with square cells, `resolution` of them along
    its longer side."""
    others = [k for k in range(3) if k != axis]
    low, high = np.asarray(lower, np.float64)[others], np.asarray(upper, np.float64)[others]
    counts = np.maximum(np.rint((high - low) / (high - low).max() * resolution).astype(int), 1) + 1
    step = (high - low) / (counts - 1)
    rows, columns = (index.ravel() for index in np.indices(counts))
    points = _across(axis, position, low + np.stack([rows, columns], 1) * step)
    return Slice(axis, position, low, step, np.asarray(distance(points), np.float64).reshape(counts))


def _across(axis: int, position: float, inside: np.ndarray) -> np.ndarray:
    """(n, 3) of coordinates (n, 2) in a plane."""
    return np.insert(inside, axis, position, axis=1)


def round_step(length: float) -> float:
    """The least of 1, 2, 5 and 10 times a power of ten that is at least `length`."""
    power = 10.0 ** np.floor(np.log10(max(length, 1e-300)))
    return float(min(factor * power for factor in (1, 2, 5, 10) if factor * power >= length * (1 - 1e-9)))


def limit_of(values: np.ndarray) -> float:
    """The distance of the last colours: between the depth inside (their geometric mean) and the largest distance, so
    that both sides show; the largest distance where hardly anything is inside."""
    reach, depth = float(np.abs(values).max()), float(-values.min())
    return float(np.sqrt(depth * reach)) if depth > 0.02 * reach else reach


def line_step(values: np.ndarray) -> float:
    """The round distance between contour lines that suits distances (...)."""
    return round_step(max(limit_of(values) / INNER, float(np.abs(values).max()) / LINES))


def slice_picture(cut: Slice) -> UInt8[np.ndarray, "h w 3"]:
    """A slice with its level sets, one pixel a sample, seen from the positive end of its axis: across x and z y is up,
    across y x is to the right."""
    picture = level_sets(cut.values, line_step(cut.values))
    ways = picture[::-1, ::-1], picture.transpose(1, 0, 2), picture.transpose(1, 0, 2)[::-1]
    return np.ascontiguousarray(ways[cut.axis])
