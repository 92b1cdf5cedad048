"""Simulated scans: what cameras around a shape see of it, with noise and outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from isofield.errors import InputError
from isofield.render.camera import Camera, views
from isofield.render.raster import rasterize
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

GRAZING = 0.08
"""Cosine between a surface's normal and the line of sight below which a sensor sees nothing."""


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
    """Exactly `count` points of a mesh that `cameras` cameras all around it see, in its units and in random order.

    noise: standard deviation of the normal noise along each axis, as a fraction of the bounding box's diagonal.
    outliers: share of the points that lie anywhere in the box, made 1.1 times as large. density: "uniform" over all
    that is seen, or "cameras": as many points as sensors take, proportional to the sum of cosine / distance^2 over the
    cameras that see a place. normals: whether the cloud carries the true, outward ones of the places that were sampled
    (an outlier's is random). The same arguments give the same points. Raises InputError where nothing can be sampled.
    """
    if count < 1 or cameras < 1 or not 0 <= outliers < 1 or noise < 0 or density not in ("uniform", "cameras"):
        raise InputError(
            f"A scan of {count} points by {cameras} cameras, noise {noise}, outliers {outliers}, density {density!r} "
            "cannot be made: counts are at least 1, noise at least 0, outliers from 0 to below 1, density 'uniform' or "
            "'cameras'."
        )
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    if len(faces) == 0 or not np.isfinite(area).all() or area.sum() <= 0:
        raise InputError("The mesh has no area to scan: give one with faces that are not degenerate.")
    random = np.random.default_rng(seed)
    used = vertices[np.unique(faces)]
    lower, upper = used.min(axis=0), used.max(axis=0)
    diagonal = float(np.linalg.norm(upper - lower))
    facing = cross / np.where(area > 0, area, 1)[:, None]
    eyes = views(used, cameras)
    away = float(np.linalg.norm(eyes[0].eye - (lower + upper) / 2))
    depths = [rasterize(vertices, faces, eye).depth for eye in eyes]

    wanted = count - round(count * outliers)
    cumulative = np.cumsum(area / area.sum())
    places: list[np.ndarray] = []
    owners: list[np.ndarray] = []
    have, top = 0, 0.0
    for _ in range(1000):
        if have >= wanted:
            break
        batch = max(20_000, 2 * (wanted - have))
        face = np.minimum(np.searchsorted(cumulative, random.random(batch), side="right"), len(faces) - 1)
        u, v = random.random((2, batch))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
        a, b, c = corners[face, 0], corners[face, 1], corners[face, 2]
        place = a + u[:, None] * (b - a) + v[:, None] * (c - a)
        weight = np.zeros(batch)
        for eye, depth in zip(eyes, depths, strict=True):
            # One camera that sees a point is enough, unless they are counted.
            ask = np.flatnonzero(weight == 0) if density == "uniform" else np.arange(batch)
            weight[ask] += _seen(place[ask], facing[face[ask]], eye, depth, away)
        if density == "uniform":
            kept = np.flatnonzero(weight)
        else:
            top = top or float(weight.max())
            kept = np.flatnonzero(random.random(batch) * top < weight)
        places.append(place[kept])
        owners.append(face[kept])
        have += len(kept)
    if have < wanted:
        raise InputError(f"{cameras} cameras see too little of the mesh to take {wanted} points: use more cameras.")
    points = np.concatenate(places)[:wanted] if wanted else np.zeros((0, 3))
    owner = np.concatenate(owners)[:wanted] if wanted else np.zeros(0, np.int64)
    points = points + random.normal(size=points.shape) * (noise * diagonal)

    stray = lower + (upper - lower) * (0.5 + 1.1 * (random.random((count - wanted, 3)) - 0.5))
    any_way = random.normal(size=(count - wanted, 3))
    any_way /= np.linalg.norm(any_way, axis=1, keepdims=True)
    order = random.permutation(count)
    return Cloud(
        np.concatenate([points, stray])[order],
        np.concatenate([facing[owner], any_way])[order] if normals else None,
    )


def _seen(points: np.ndarray, normals: np.ndarray, eye: Camera, depth: np.ndarray, away: float) -> np.ndarray:
    """How much a camera sees of points (n, 3) on a surface with normals (n, 3): cosine / (distance / away)^2, or 0.

    depth: the camera's image of the surface. A point is seen where the image, at the centre of the point's pixel, is
    not nearer than the point's own plane there; so slanted faces need no tolerance that lets hidden points through.
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
    # Never further from the point's own depth than its slope over one pixel explains.
    steep = footprint / np.maximum(cosine, GRAZING)
    plane = np.clip(plane, along - steep, along + steep)
    free = depth[row, column] >= plane - footprint
    return np.where(free & (cosine > GRAZING), cosine * (away / distance) ** 2, 0)
