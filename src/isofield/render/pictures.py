"""Pictures of meshes and clouds by software: no display, no OpenGL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from trimesh.visual import ColorVisuals

from isofield.errors import InputError
from isofield.render import camera as cameras
from isofield.render import shading, splats
from isofield.render.camera import Camera
from isofield.render.raster import barycentric, rasterize
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

    Shape = trimesh.Trimesh | Cloud | np.ndarray

CLAY = (212, 190, 168)
SLATE = (70, 104, 140)
TOP, BOTTOM = (255, 255, 255), (236, 238, 241)
"""sRGB: a mesh's colour, a cloud's, and the background's."""

FINE = 2
"""Pixels along each side that are averaged into one."""


def picture(
    shape: Shape,
    *,
    size: tuple[int, int] = (800, 800),
    view: tuple[float, float] | Camera | None = None,
    up: str = "y",
    colors: tuple[int, int, int] | np.ndarray | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """A shaded picture (height, width, 3) uint8, sRGB, of a mesh, a cloud or points (n, 3), on a light background.

    size: width and height in pixels. view: azimuth and elevation in degrees (see `camera.direction`), a camera whose
    pixels are used instead of `size`, or None for a good one. up: "x", "y" or "z". colors: one sRGB colour, or one for
    each vertex or point, (n, 3) in 0 to 255; None for the shape's own, or clay for meshes and slate for points without
    colours. Far outliers do not shrink the rest. Raises InputError where nothing can be drawn.
    """
    if up not in cameras.UP:
        raise InputError(f"the up axis {up!r} is unknown: take one of {', '.join(cameras.UP)}.")
    if not isinstance(view, Camera):
        view = camera_for(shape, size=size, view=view, up=up)
    return next(pictures(shape, [view], colors))


def pictures(
    shape: Shape, views: Iterable[Camera], colors: tuple[int, int, int] | np.ndarray | None = None
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """What `picture` draws, from one camera after the other: the normals of a mesh are computed once."""
    points, faces = parts(shape)
    if colors is None:
        own = own_colors(shape)
        colors = own if own is not None else SLATE if faces is None else CLAY
    color = np.asarray(colors, np.float64)[..., :3]
    if color.ndim == 2 and len(color) != len(points):
        raise InputError(f"there are {len(color)} colours for {len(points)} points: give one for each, or one for all.")
    color = shading.decode(color)
    if faces is None:
        for view in views:
            yield shading.encode(_draw_points(points, color, view))
        return
    faces = faces[np.isfinite(points).all(axis=1)[faces].all(axis=1)]
    points = np.nan_to_num(points)
    normals = shading.corner_normals(points, faces) if len(faces) else np.zeros((0, 3, 3))
    for view in views:
        yield shading.encode(_draw_mesh(points, faces, normals, color, view))


def camera_for(
    shape: Shape,
    *,
    size: tuple[int, int] = (800, 800),
    view: tuple[float, float] | None = None,
    up: str = "y",
    observed: np.ndarray | None = None,
) -> Camera:
    """The camera that `picture` uses: it frames all of a mesh, and a cloud without its far outliers.

    observed: (n,) bool, which vertices of a mesh were observed; the camera looks at that side.
    """
    points, faces = parts(shape)
    normals = None
    if view is None and observed is not None and faces is not None:
        a, b, c = (points[faces[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a), observed[faces].mean(axis=1)
    points = points[np.unique(faces)] if faces is not None else cameras.core(points)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) == 0:
        raise InputError("there is no finite point to draw: give a shape that has some.")
    return cameras.frame(points, view=view or cameras.best_view(points, up, normals=normals), up=up, size=size)


def background(width: int, height: int) -> np.ndarray:
    """Linear colours (height, width, 3): nearly white, a little darker toward the bottom."""
    t = np.linspace(0, 1, height)[:, None, None] ** 1.5
    line = shading.decode(TOP) * (1 - t) + shading.decode(BOTTOM) * t
    return np.broadcast_to(line.astype(np.float32), (height, width, 3)).copy()


def parts(shape: Shape) -> tuple[np.ndarray, np.ndarray | None]:
    """Points (n, 3) float64 and faces (f, 3), or None for a cloud."""
    if isinstance(shape, Cloud):
        return np.asarray(shape.points, np.float64), None
    if isinstance(shape, np.ndarray):
        return np.asarray(shape, np.float64)[:, :3], None
    points, faces = np.asarray(shape.vertices, np.float64), np.asarray(shape.faces)
    return points, faces if len(faces) else None


def own_colors(shape: Shape) -> np.ndarray | None:
    """The colours (n, 4) of a cloud or of a mesh's vertices, where it has some."""
    if isinstance(shape, Cloud):
        return shape.colors
    if isinstance(shape, np.ndarray):
        return None
    visual = shape.visual
    return np.asarray(visual.vertex_colors) if isinstance(visual, ColorVisuals) and visual.kind == "vertex" else None


def _draw_mesh(
    points: np.ndarray, faces: np.ndarray, normals: np.ndarray, color: np.ndarray, camera: Camera
) -> np.ndarray:
    """Linear colours (h, w, 3). normals: (f, 3, 3) of the corners."""
    fine = camera.scaled(FINE)
    buffers = rasterize(points, faces, fine)
    rows, columns = np.nonzero(buffers.face >= 0)
    image = background(fine.width, fine.height)
    if len(rows) == 0:
        return _shrink(image)
    face, depth = buffers.face[rows, columns], buffers.depth[rows, columns]
    # All coordinates below are in the camera's axes.
    vertices = camera.to_camera(points)
    position = fine.rays(rows, columns) * depth[:, None]
    weights = barycentric(vertices, faces, face, position).astype(np.float32)
    normal = np.einsum("nk,nkd->nd", weights, normals[face])
    normal = cameras.rotated(_unit(normal), camera.rotation).astype(np.float32)
    toward = -_unit(position).astype(np.float32)
    normal *= np.where(np.einsum("ij,ij->i", normal, toward) < 0, -1, 1).astype(np.float32)[:, None]

    # Occlusion at the final resolution, from one of each FINE x FINE pixels.
    seen = buffers.face >= 0
    positions, facing = np.zeros((*seen.shape, 3)), np.zeros((*seen.shape, 3), np.float32)
    positions[rows, columns], facing[rows, columns] = position, normal
    coarse = (slice(None, None, FINE), slice(None, None, FINE))
    reach = max(4, int(0.055 * min(camera.width, camera.height)))
    openness = shading.occlusion(positions[coarse], facing[coarse], seen[coarse], reach)[rows // FINE, columns // FINE]

    albedo = color if color.ndim == 1 else np.einsum("nk,nkd->nd", weights, color[faces[face]])
    image[rows, columns] = shading.shade(albedo, normal, toward, openness)
    return _shrink(image)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(n, 3) at unit length; zeros stay."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.where(length > 0, length, 1)[:, None]


def _draw_points(points: np.ndarray, color: np.ndarray, camera: Camera) -> np.ndarray:
    """Linear colours (h, w, 3)."""
    finite = np.isfinite(points).all(axis=1)
    points, color = points[finite], color if color.ndim == 1 else color[finite]
    fine = camera.scaled(FINE)
    drawn = splats.splat(points, fine)
    image = background(fine.width, fine.height)
    rows, columns = np.nonzero(drawn.point >= 0)
    if len(rows):
        albedo = color if color.ndim == 1 else color[drawn.point[rows, columns]]
        normal = drawn.normal[rows, columns]
        toward = np.broadcast_to(np.array([0.0, 0.0, -1.0]), normal.shape)
        lit = shading.shade(albedo, normal, toward, splats.relief(drawn.depth, fine)[rows, columns])
        # Haze: distant points fade into the background, so that the near and the far side differ.
        depth = drawn.depth[rows, columns]
        near, far = np.quantile(depth, [0.02, 0.98])
        haze = 0.42 * np.clip((depth - near) / max(far - near, 1e-300), 0, 1)[:, None]
        image[rows, columns] = lit * (1 - haze) + haze * image[rows, columns]
    return _shrink(image)


def _shrink(image: np.ndarray) -> np.ndarray:
    """Averages FINE x FINE pixels into one."""
    height, width, _ = image.shape
    rows = image.reshape(height // FINE, FINE, width, 3).sum(axis=1)
    return rows.reshape(height // FINE, width // FINE, FINE, 3).sum(axis=2) / FINE**2
