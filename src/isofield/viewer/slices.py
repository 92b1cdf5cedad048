"""A plane through a field: distances as colours, contour lines, gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from skimage.measure import find_contours

from isofield.types import Distance
from isofield.viewer.scene import grid_faces, mixed

INSIDE, ZERO, OUTSIDE = (33, 102, 172), (250, 250, 250), (178, 24, 43)
"""Colours of the least distance, of zero and of the greatest one: blue inside, red outside."""
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


def plane_of(cut: Slice) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (h w, 3) and faces (f, 3) of the plane, one vertex a sample."""
    height, width = cut.values.shape
    rows, columns = (index.ravel() for index in np.indices((height, width)))
    return cut.points(rows, columns), grid_faces(height, width)


def colors_of_distance(values: np.ndarray, limit: float) -> np.ndarray:
    """(..., 3) uint8 of distances (...): blue inside, white at zero, red outside; beyond +-limit the last colour."""
    share = np.clip(np.nan_to_num(values) / max(limit, 1e-300), -1, 1) / 2 + 0.5
    return mixed(share, np.array([INSIDE, ZERO, OUTSIDE]))


def round_step(length: float) -> float:
    """The least of 1, 2, 5 and 10 times a power of ten that is at least `length`."""
    power = 10.0 ** np.floor(np.log10(max(length, 1e-300)))
    return float(min(factor * power for factor in (1, 2, 5, 10) if factor * power >= length * (1 - 1e-9)))


def limit_of(values: np.ndarray) -> float:
    """The distance of the last colours: between the depth inside (their geometric mean) and the largest distance, so
    that both sides show; the largest distance where hardly anything is inside."""
    reach, depth = float(np.abs(values).max()), float(-values.min())
    return float(np.sqrt(depth * reach)) if depth > 0.02 * reach else reach


def contours(cut: Slice, level: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Segments (n, 2, 3) of the lines of equal distance, the segments (m, 2, 3) of the line at `level`, and the round
    distance between neighbouring lines.

    By marching squares (scikit-image).
    """
    reach = float(np.abs(cut.values).max())
    step = round_step(max(limit_of(cut.values) / INNER, reach / LINES))
    others = [level + k * step for k in range(-int(reach / step) - 1, int(reach / step) + 2) if k]
    every = [_segments(cut, one) for one in others]
    return np.concatenate([np.zeros((0, 2, 3)), *every]), _segments(cut, level), step


def _segments(cut: Slice, level: float) -> np.ndarray:
    found = [np.zeros((0, 2, 3))]
    for line in find_contours(cut.values, level):
        points = cut.points(line[:, 0], line[:, 1])
        found.append(np.stack([points[:-1], points[1:]], 1))
    return np.concatenate(found)


def arrows(cut: Slice, gradient: Callable[[np.ndarray], np.ndarray], count: int = 16) -> np.ndarray:
    """(n, 2, 3) tails and heads of the field's gradients at about `count` samples along the longer side of a slice.

    A gradient of length 1 is as long as 0.8 times the distance between neighbouring arrows; longer than twice that is
    cut. Zero gradients have no arrow.
    """
    every = max(1, max(cut.values.shape) // count)
    rows, columns = np.meshgrid(
        np.arange(every // 2, cut.values.shape[0], every), np.arange(every // 2, cut.values.shape[1], every)
    )
    tails = cut.points(rows.ravel(), columns.ravel())
    slopes = np.asarray(gradient(tails), np.float64)
    length = np.linalg.norm(slopes, axis=1, keepdims=True)
    good = np.isfinite(length[:, 0]) & (length[:, 0] > 1e-9)
    unit = 0.8 * every * float(cut.step.max())
    moves = slopes[good] * unit * np.minimum(1, 2 / length[good])
    return np.stack([tails[good], tails[good] + moves], 1)


def cut_off(mesh: trimesh.Trimesh, cut: Slice, toward: np.ndarray) -> trimesh.Trimesh:
    """The part of a mesh on that side of a plane that is away from a camera in the direction `toward` (3,); faces are
    cut at the plane. Empty where none is left."""
    normal, origin = np.zeros(3), np.zeros(3)
    normal[cut.axis], origin[cut.axis] = -1.0 if toward[cut.axis] >= 0 else 1.0, cut.position
    vertices, faces, _ = trimesh.intersections.slice_faces_plane(
        np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces), normal, origin
    )
    return trimesh.Trimesh(vertices, faces, process=False)
