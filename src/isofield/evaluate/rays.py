"""A surface against a scan alone, without a truth: rays of the sensors, area far from all points.

A ray from a sensor to a point that it measured crosses empty space and ends on the surface. A good result is met there;
one that closes an open scan on the wrong side blocks the ray before. The mesh may be open, and may face either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import igl
import numpy as np
import trimesh
from jaxtyping import Float, Int

from isofield.errors import InputError
from isofield.evaluate.surface_samples import sample_surface, used_points
from isofield.kdtree import KDTree, nearest
from isofield.threads import ranges

RANGE_SHARE = 0.01
"""A ray is met within this share of the distance between sensor and point."""
SPACINGS = 3.0
"""Area farther from the points than this many of their spacings is unobserved."""
NEIGHBOURS = 8
"""A point's own spacing is the distance to this nearest other point."""
CHUNK = 1 << 16
"""Rays per call."""
FirstHit = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Origins and unit directions (n, 3) to distances (n,) to the first triangle, infinite where a ray meets none."""


@dataclass(frozen=True)
class Rays:
    """Shares of the rays from sensors to their points: met at the point, blocked before it; the others pass it by."""

    met: float
    blocked: float


def first_hit(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> FirstHit:
    """Distances along rays to triangles, seen from both sides (libigl's axis-aligned box tree, float64)."""
    center = vertices.mean(axis=0)
    around, faces = np.ascontiguousarray(vertices - center, np.float64), np.ascontiguousarray(faces, np.int64)
    tree = igl.AABB()
    tree.init(around, faces)

    def hits(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        distance = np.full(len(origins), np.inf)
        for part in ranges(len(origins), CHUNK):
            start = np.ascontiguousarray(origins[part] - center, np.float64)
            toward = np.ascontiguousarray(directions[part], np.float64)
            face, along, _ = tree.intersect_ray_first(around, faces, start, toward)
            distance[part] = np.where(np.asarray(face) >= 0, along, np.inf)
        return distance

    return hits


def rays_met(
    mesh: trimesh.Trimesh,
    points: Float[np.ndarray, "n 3"],
    sensors: Float[np.ndarray, "n 3"],
    tolerance: float | None = None,
) -> Rays:
    """Shares of the rays from sensors to their points that meet a mesh at the point, and that it blocks before.

    A ray is met where its first crossing lies within `tolerance` of the point along the ray, in the points' unit, or,
    by default, within 1 % of the ray's length; it is blocked where the crossing comes earlier. Points whose sensor is
    not finite do not count. Raises InputError where no sensor is finite, or one lies at its point.
    """
    used_points(mesh, "the mesh")
    with_sensor = np.isfinite(sensors).all(axis=1)
    if not with_sensor.any():
        raise InputError("none of the points has a sensor: give the position of the sensor of each point.")
    toward = points[with_sensor] - sensors[with_sensor]
    length = np.linalg.norm(toward, axis=1)
    if not length.all():
        raise InputError("a sensor lies at the point that it measured: give the position of the sensor.")
    crossing = first_hit(mesh.vertices, mesh.faces)(sensors[with_sensor], toward / length[:, None])
    margin = RANGE_SHARE * length if tolerance is None else np.full(len(length), tolerance)
    return Rays(
        float((np.abs(crossing - length) <= margin).mean()),
        float((crossing < length - margin).mean()),
    )


def stray(mesh: trimesh.Trimesh, points: Float[np.ndarray, "n 3"], samples: int = 60_000) -> float:
    """Share of a mesh's area that is farther from all points than three times the spacing around the nearest one.

    The spacing around a point is the distance to its eighth nearest other point, so that a scan whose density varies is
    judged everywhere by its own density. samples: points on the mesh, uniform by area.
    """
    on_mesh = sample_surface(mesh, samples, np.random.default_rng(0), "the mesh").points
    tree = KDTree(points)
    far, index = nearest(tree, on_mesh)
    closest, which = np.unique(index, return_inverse=True)
    own, _ = nearest(tree, points[closest], k=min(len(points), NEIGHBOURS + 1))
    spacing = np.asarray(own).reshape(len(closest), -1)[:, -1]
    return float((far > SPACINGS * spacing[which.reshape(-1)]).mean())
