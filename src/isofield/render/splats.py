"""Clouds as small shaded balls, with eye-dome lighting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from isofield.render.camera import Camera


@dataclass(frozen=True)
class Splats:
    """The visible points of a cloud.

    point: (height, width) index of the nearest point, or -1. depth: (height, width) of it, or infinite. normal:
    (height, width, 3) of its ball, in the camera's axes.
    """

    point: Int[np.ndarray, "h w"]
    depth: Float[np.ndarray, "h w"]
    normal: Float[np.ndarray, "h w 3"]


def splat(points: np.ndarray, camera: Camera) -> Splats:
    """The nearest ball at every pixel; points: (n, 3). The radius of a ball follows from their number.

    Points behind the camera or off the picture are left out.
    """
    width, height = camera.width, camera.height
    pixels, depth = camera.project(points)
    with np.errstate(invalid="ignore"):
        inside = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels < (width, height)).all(axis=1)
    keep = np.flatnonzero(inside)
    best = np.full(height * width, -1, np.int64)
    normal = np.zeros((height * width, 3), np.float32)
    z = np.full(height * width, np.inf)
    if len(keep) == 0:
        return Splats(best.reshape(height, width), z.reshape(height, width), normal.reshape(height, width, 3))
    # A shape covers about a third of the frame, with half of the points in front.
    radius = float(np.clip(0.6 * np.sqrt(0.33 * width * height / (len(keep) / 2)), 1.0, 0.006 * min(width, height)))
    low, high = depth[keep].min(), depth[keep].max()
    quantum = (high - low) / (2**31 - 2) or 1.0
    column, row = pixels[keep].astype(np.int64).T
    code = (((high - depth[keep]) / quantum).astype(np.int64) << 32) | (2**32 - 1 - np.arange(len(keep)))
    reach = int(np.ceil(radius))
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dx * dx + dy * dy > radius * radius:
                continue
            r, c = row + dy, column + dx
            on = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            np.maximum.at(best, (r * width + c)[on], code[on])
    seen = np.flatnonzero(best >= 0)
    index = 2**32 - 1 - (best[seen] & (2**32 - 1))
    x = (seen % width - column[index]) / (radius + 0.5)
    y = (seen // width - row[index]) / (radius + 0.5)
    normal[seen] = np.stack([x, y, -np.sqrt(np.maximum(1 - x * x - y * y, 0.05))], axis=1)
    point = np.full(height * width, -1, np.int64)
    point[seen] = keep[index]
    z[seen] = depth[keep[index]]
    return Splats(point.reshape(height, width), z.reshape(height, width), normal.reshape(height, width, 3))


def relief(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Eye-dome lighting (h, w) from 0 (dark) to 1: a pixel is dark where its neighbours are nearer.

    depth: (h, w), infinite where nothing is (Boucheny 2009, Visualisation scientifique de grands volumes de données).
    """
    seen = np.isfinite(depth)
    if not seen.any():
        return np.ones(depth.shape)
    near, far = np.quantile(depth[seen], [0.01, 0.99])
    span = max(far - near, 1e-300)
    value = np.where(seen, depth, far).astype(np.float64)
    total = np.zeros(depth.shape)
    for reach in (max(2, camera.height // 400), max(5, camera.height // 110)):
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0), (0.7, 0.7), (0.7, -0.7), (-0.7, 0.7), (-0.7, -0.7)):
            shift = (round(dy * reach), round(dx * reach))
            total += np.clip((value - np.roll(value, shift, (0, 1))) / span, 0, 0.25)
    return np.exp(-1.6 * total)
