"""Simulated scans by cameras around a shape, with noise and outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from isofield.errors import InputError
from isofield.render.camera import Camera, views
from isofield.render.raster import rasterize
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

GRAZING = 0.08
"""Cosine between a normal and the line of sight below which a sensor measures nothing."""


def scan(
    mesh: trimesh.Trimesh,
    count: int,
    noise: float = 0.002,
    cameras: int = 16,
    outliers: float = 0.0,
    seed: int = 0,
    normals: bool = False,
    density: Literal["uniform", "cameras"] = "uniform",
) -> Cloud:
    """Exactly `count` points of a mesh that are visible from `cameras` cameras around it, in random order.

    noise: standard deviation of the Gaussian noise along each axis, as a fraction of the bounding box's diagonal.
    outliers: fraction of the points that are uniform in the box, enlarged by 1.1. density: "uniform" over the visible
    surface, or "cameras", as of real sensors: proportional to the sum of cosine / distance^2 over the cameras that see
    a point. normals: the cloud has the true outward normals of its points (outliers have random ones). The same
    arguments give the same points. Raises InputError where nothing can be sampled.
    """
    if count < 1 or cameras < 1 or not 0 <= outliers < 1 or noise < 0 or density not in ("uniform", "cameras"):
        raise InputError(
            f"a scan of {count} points by {cameras} cameras, noise {noise}, outliers {outliers}, density {density!r} "
            "cannot be made: counts are at least 1, noise at least 0, outliers from 0 to below 1, density 'uniform' or "
            "'cameras'."
        )
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    if len(faces) == 0 or not np.isfinite(area).all() or area.sum() <= 0:
        raise InputError("the mesh has no area to scan: give one with faces that are not degenerate.")
    random = np.random.default_rng(seed)
    used = vertices[np.unique(faces)]
    lower, upper = used.min(axis=0), used.max(axis=0)
    diagonal = float(np.linalg.norm(upper - lower))
    facing = cross / np.where(area > 0, area, 1)[:, None]
    eyes = views(used, cameras)
    away = float(np.linalg.norm(eyes[0].eye - (lower + upper) / 2))
    depths = [rasterize(vertices, faces, eye).depth for eye in eyes]

    def weigh(position: np.ndarray, face: np.ndarray) -> np.ndarray:
        weight = np.zeros(len(position))
        for eye, depth in zip(eyes, depths, strict=True):
            # For a uniform density one camera that sees a point is enough.
            rows = np.flatnonzero(weight == 0) if density == "uniform" else np.arange(len(position))
            weight[rows] += _visibility(position[rows], facing[face[rows]], eye, depth, away)
        return weight

    wanted = count - round(count * outliers)
    found = _drawn(corners, area, wanted, weigh, density == "uniform", random)
    if found is None:
        raise InputError(f"{cameras} cameras see too little of the mesh to take {wanted} points: use more cameras.")
    points, owner = found
    points = points + random.normal(size=points.shape) * (noise * diagonal)

    stray = lower + (upper - lower) * (0.5 + 1.1 * (random.random((count - wanted, 3)) - 0.5))
    random_normals = random.normal(size=(count - wanted, 3))
    random_normals /= np.linalg.norm(random_normals, axis=1, keepdims=True)
    order = random.permutation(count)
    return Cloud(
        np.concatenate([points, stray])[order],
        np.concatenate([facing[owner], random_normals])[order] if normals else None,
    )


def _drawn(
    corners: np.ndarray, area: np.ndarray, count: int, weigh: Callable[[np.ndarray, np.ndarray], np.ndarray],
    uniform: bool, random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """`count` random points of triangles, corners (f, 3, 3), with areas (f,), and their triangles; None where too few
    are visible.

    weigh: points and their triangles to weights, 0 for hidden points. The density is uniform over the visible ones, or
    proportional to their weights.
    """
    if not count:
        return np.zeros((0, 3)), np.zeros(0, np.int64)
    cumulative = np.cumsum(area / area.sum())
    samples: list[np.ndarray] = []
    owners: list[np.ndarray] = []
    so_far, top = 0, 0.0
    for _ in range(1000):
        batch = max(20_000, 2 * (count - so_far))
        face = np.minimum(np.searchsorted(cumulative, random.random(batch), side="right"), len(corners) - 1)
        u, v = random.random((2, batch))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
        a, b, c = corners[face, 0], corners[face, 1], corners[face, 2]
        position = a + u[:, None] * (b - a) + v[:, None] * (c - a)
        weight = weigh(position, face)
        if uniform:
            kept = np.flatnonzero(weight)
        else:
            top = top or float(weight.max())
            kept = np.flatnonzero(random.random(batch) * top < weight)
        samples.append(position[kept])
        owners.append(face[kept])
        so_far += len(kept)
        if so_far >= count:
            return np.concatenate(samples)[:count], np.concatenate(owners)[:count]
    return None


def _visibility(points: np.ndarray, normals: np.ndarray, eye: Camera, depth: np.ndarray, away: float) -> np.ndarray:
    """Weights of points (n, 3) with normals (n, 3) by their visibility: cosine / (distance / away)^2, or 0 if hidden.

    depth: the camera's image of the surface. A point is visible where the image, at the centre of the point's pixel, is
    not nearer than the point's own tangent plane there, so that slanted faces need no tolerance.
    """
    pixels, along = eye.project(points)
    column = np.clip(pixels[:, 0].astype(np.int64), 0, eye.width - 1)
    row = np.clip(pixels[:, 1].astype(np.int64), 0, eye.height - 1)
    ray = np.einsum("ij,jk->ik", eye.rays(row, column), eye.rotation)
    toward = eye.eye - points
    distance = np.linalg.norm(toward, axis=1)
    across = np.einsum("ij,ij->i", toward, normals)
    cosine = np.abs(across) / distance
    slope = np.einsum("ij,ij->i", ray, normals)
    plane = -across / np.where(slope == 0, 1e-300, slope)
    footprint = along / eye.focal
    # The plane's depth differs from the point's by no more than the slope over one pixel.
    steep = footprint / np.maximum(cosine, GRAZING)
    plane = np.clip(plane, along - steep, along + steep)
    free = depth[row, column] >= plane - footprint
    return np.where(free & (cosine > GRAZING), cosine * (away / distance) ** 2, 0)
