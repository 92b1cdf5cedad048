"""Samples of a surface, uniform by area, with normals: every metric is computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
import trimesh.sample

from isofield import io
from isofield.errors import InputError
from isofield.types import Cloud


@dataclass(frozen=True)
class SurfaceSamples:
    """points: (n, 3) in random order, so that the first k are a fair sample, too. normals: (n, 3) unit, or None."""

    points: np.ndarray
    normals: np.ndarray | None = None


def check_sampling(samples: int, seed: int) -> None:
    """Raises InputError for a number of samples or a seed out of range."""
    if samples < 1:
        raise InputError(f"samples must be at least 1, not {samples}.")
    if seed < 0:
        raise InputError(f"seed must be at least 0, not {seed}.")


def read_surface(path: Path) -> trimesh.Trimesh:
    """The mesh of a file. Raises InputError where it cannot be read, has no faces or no area, or is not finite."""
    shape = io.read(path)
    if isinstance(shape, Cloud):
        raise InputError(f"{path} has no faces: give a mesh.")
    used_points(shape, str(path))
    if not shape.area > 0:
        raise InputError(f"{path} has no area: all its faces are degenerate; give a mesh with a surface.")
    return shape


def used_points(shape: trimesh.Trimesh | Cloud, name: str) -> np.ndarray:
    """(n, 3) float64: the points of a cloud, or the vertices of a mesh that its faces use.

    name: of the shape, for errors. Raises InputError where there are none, or one is not finite.
    """
    if isinstance(shape, Cloud):
        points = np.asarray(shape.points, np.float64)
        if len(points) == 0:
            raise InputError(f"{name} holds no points; give a shape that is not empty.")
    else:
        if len(shape.faces) == 0:
            raise InputError(f"{name} holds no faces; give a mesh with faces, or a cloud of points.")
        points = np.asarray(shape.vertices, np.float64)[np.unique(shape.faces)]
    if not np.isfinite(points).all():
        raise InputError(f"{name} has coordinates that are NaN or infinite; remove those points first.")
    return points


def sample_surface(shape: trimesh.Trimesh | Cloud, count: int, rng: np.random.Generator, name: str) -> SurfaceSamples:
    """`count` points of a mesh, uniform by area, with the normals of their faces; or at most `count` points of a cloud,
    without repetition, in random order.

    name: of the shape, for errors. Raises InputError where a mesh has no area.
    """
    if isinstance(shape, Cloud):
        order = rng.permutation(len(shape.points))[:count]
        normals = None if shape.normals is None else np.asarray(shape.normals, np.float64)[order]
        return SurfaceSamples(np.asarray(shape.points, np.float64)[order], normals)
    area = shape.area_faces
    if not area.sum() > 0:
        raise InputError(f"{name} has no area: all its faces are degenerate; give a mesh with a surface.")
    points, faces = trimesh.sample.sample_surface(shape, count, seed=rng)
    corners = shape.vertices.view(np.ndarray)[shape.faces[faces]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(float).tiny)
    return SurfaceSamples(np.asarray(points, np.float64), normals)


def halves(samples: SurfaceSamples) -> tuple[SurfaceSamples, SurfaceSamples]:
    """Two disjoint halves of the samples."""
    middle, points, normals = (len(samples.points) + 1) // 2, samples.points, samples.normals
    if normals is None:
        return SurfaceSamples(points[:middle]), SurfaceSamples(points[middle:])
    return SurfaceSamples(points[:middle], normals[:middle]), SurfaceSamples(points[middle:], normals[middle:])
