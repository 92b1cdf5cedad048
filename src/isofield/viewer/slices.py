"""A plane through a field as it is drawn in a scene: its mesh, contour lines, gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from skimage.measure import find_contours

from isofield.render.slices import Slice, line_step
from isofield.viewer.scene import grid_faces

ARROWS = 16
"""Gradients along the longer side of a slice."""


def plane_of(cut: Slice) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (h w, 3) and faces (f, 3) of the plane, one vertex a sample."""
    height, width = cut.values.shape
    rows, columns = (index.ravel() for index in np.indices((height, width)))
    return cut.points(rows, columns), grid_faces(height, width)


def contours(cut: Slice, level: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Segments (n, 2, 3) of the lines of equal distance, the segments (m, 2, 3) of the line at `level`, and the round
    distance between neighbouring lines.

    By marching squares (scikit-image).
    """
    reach = float(np.abs(cut.values).max())
    step = line_step(cut.values)
    others = [level + k * step for k in range(-int(reach / step) - 1, int(reach / step) + 2) if k]
    every = [_segments(cut, one) for one in others]
    return np.concatenate([np.zeros((0, 2, 3)), *every]), _segments(cut, level), step


def _segments(cut: Slice, level: float) -> np.ndarray:
    found = [np.zeros((0, 2, 3))]
    for line in find_contours(cut.values, level):
        points = cut.points(line[:, 0], line[:, 1])
        found.append(np.stack([points[:-1], points[1:]], 1))
    return np.concatenate(found)


def arrows(cut: Slice, gradient: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(n, 2, 3) tails and heads of the field's gradients at about `ARROWS` samples along the longer side of a slice.

    A gradient of length 1 is as long as 0.8 times the distance between neighbouring arrows; longer than twice that is
    cut. Zero gradients have no arrow.
    """
    every = max(1, max(cut.values.shape) // ARROWS)
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
