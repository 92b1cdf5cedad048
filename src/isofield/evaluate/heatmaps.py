"""A prediction coloured by the distance of its vertices to the truth."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.evaluate.surface_samples import used_points
from isofield.kdtree import KDTree, nearest
from isofield.solids.triangles import distance_to
from isofield.types import Cloud

COLORS = np.array([(49, 54, 149), (69, 150, 190), (171, 217, 160), (254, 224, 100), (244, 109, 67), (165, 0, 38)])
"""Colours from zero to the end of the scale: dark blue, blue, green, yellow, orange, red."""


@dataclass(frozen=True)
class Heatmap:
    """A shape whose colours are its errors.

    shape: the prediction, a mesh with vertex colours or a cloud with colours. colors: (n, 4) uint8, those colours.
    errors: (n,) distance of each vertex to the truth, in the files' units. top: the distance at the end of the scale;
    larger distances have the last colour.
    """

    shape: trimesh.Trimesh | Cloud
    colors: np.ndarray
    errors: np.ndarray
    top: float

    def scale(self) -> list[tuple[float, tuple[int, int, int]]]:
        """(distance, colour) at the steps of the scale, from 0 to `top`; colours are interpolated between them."""
        return [
            (self.top * i / (len(COLORS) - 1), (int(r), int(g), int(b))) for i, (r, g, b) in enumerate(COLORS.tolist())
        ]


def distances_to(points: np.ndarray, truth: trimesh.Trimesh | Cloud) -> np.ndarray:
    """(n,) distances of points (n, 3) to a mesh, exact (point to triangle, libigl), or to a cloud's points."""
    points = np.ascontiguousarray(points, np.float64)
    if isinstance(truth, Cloud):
        return nearest(KDTree(truth.points), points)[0]
    return distance_to(truth.vertices, truth.faces)(points)


def heatmap(pred: trimesh.Trimesh | Cloud, truth: trimesh.Trimesh | Cloud, *, top: float | None = None) -> Heatmap:
    """Colours the vertices of a prediction by their distance to the truth.

    top: the distance at the end of the scale, in the files' units; by default the 99th percentile of the distances
    (set it to compare several predictions). Raises InputError where a shape is empty or `top` is not positive.
    """
    if top is not None and not top > 0:
        raise InputError(f"the end of the heatmap's scale must be a distance above 0, not {top}.")
    used_points(pred, "the prediction")
    used_points(truth, "the truth")
    points = pred.points if isinstance(pred, Cloud) else np.asarray(pred.vertices, np.float64)
    errors = distances_to(points, truth)
    end = float(np.percentile(errors, 99)) if top is None else top
    position = np.clip(errors / end if end > 0 else np.zeros_like(errors), 0, 1) * (len(COLORS) - 1)
    steps = np.arange(len(COLORS))
    rgb = [np.interp(position, steps, COLORS[:, channel]) for channel in range(3)]
    colors = np.rint(np.stack([*rgb, np.full(len(position), 255.0)], axis=1)).astype(np.uint8)
    if isinstance(pred, Cloud):
        return Heatmap(Cloud(pred.points, pred.normals, colors), colors, errors, end)
    mesh = trimesh.Trimesh(pred.vertices, pred.faces, process=False, vertex_colors=colors)
    return Heatmap(mesh, colors, errors, end)


def write(heat: Heatmap, path: str | os.PathLike[str]) -> None:
    """Writes a heatmap with its colours as .ply. Raises InputError as `files.check_output` does."""
    if isinstance(heat.shape, Cloud):
        io.write_cloud(heat.shape, path)
    else:
        io.write_mesh(heat.shape, path)
