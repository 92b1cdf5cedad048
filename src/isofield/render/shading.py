"""Shading: creased normals, ambient occlusion, a key, a fill and a rim light.

All coordinates are in a camera's axes: right, down, forward.
"""

from __future__ import annotations

import numpy as np

# Directions toward the lights: key from the upper left, fill from the right, rim from behind.
LIGHTS = (((-0.56, -0.66, -0.50), 0.98), ((0.85, -0.10, -0.50), 0.16), ((0.35, -0.60, 0.72), 0.22))
SKY, GROUND = 0.31, 0.15
"""Ambient light on surfaces that face up and on those that face down."""
CREASE = 38.0
"""Normals are averaged where faces meet at a smaller angle, in degrees."""
SAMPLES = 40
"""Neighbours that may darken a pixel."""


def corner_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (f, 3, 3) of every triangle's corners, averaged where faces meet at less than `CREASE` degrees.

    Round parts look round and edges stay sharp. Vertices at equal positions are merged, as those of an STL file.
    """
    import igl

    if len(vertices) > 2 * len(faces):
        vertices, merged = np.unique(vertices, axis=0, return_inverse=True)
        faces = merged.reshape(-1)[faces]
    extent = float(np.abs(vertices - vertices.mean(axis=0)).max()) or 1.0  # tiny units underflow in squares
    vertices = (vertices - vertices.mean(axis=0)) / extent
    normals = igl.per_corner_normals(vertices, np.asarray(faces, np.int64), CREASE)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.nan_to_num(normals / np.where(length > 0, length, 1)).reshape(-1, 3, 3)


def occlusion(position: np.ndarray, normal: np.ndarray, seen: np.ndarray, reach: int) -> np.ndarray:
    """Screen-space ambient occlusion (h, w) from 0 (occluded) to 1 (open).

    position, normal: (h, w, 3) in the camera's axes; seen: (h, w) bool. Neighbours up to `reach` pixels away, on a
    spiral, darken a pixel by their height over its tangent plane (McGuire et al. 2011, The Alchemy screen-space ambient
    obscurance algorithm, equation 10).
    """
    from scipy import ndimage

    height, width = seen.shape
    rows, columns = np.nonzero(seen)
    image = np.ones((height, width), np.float32)
    if len(rows) < 2:
        return image
    # In pixel widths at the median depth, so that any unit fits into float32.
    unit = np.median(np.abs(np.diff(position[:, :, 0], axis=1)[seen[:, 1:] & seen[:, :-1]])) if len(rows) > 1 else 1.0
    center = np.median(position[rows, columns], axis=0)
    pad = reach + 1
    padded = np.zeros((height + 2 * pad, width + 2 * pad, 3), np.float32)
    padded[pad:-pad, pad:-pad] = np.where(seen[..., None], (position - center) / (unit or 1.0), np.inf)
    padded[~np.pad(seen, pad)] = 1e6  # far away: never darkens anything
    flat = padded.reshape(-1, 3)
    index = (rows + pad) * (width + 2 * pad) + columns + pad
    own, facing = flat[index], normal[rows, columns].astype(np.float32)
    total = np.zeros(len(rows), np.float32)
    step = np.arange(SAMPLES) + 0.5
    radius = reach * (step / SAMPLES) ** 0.75
    angle = step * 2.399963  # the golden angle
    offsets = np.round(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)).astype(np.int64)
    for dy, dx in offsets:
        toward = flat[index + (dy * (width + 2 * pad) + dx)] - own
        squared = np.einsum("ij,ij->i", toward, toward)
        rise = np.einsum("ij,ij->i", toward, facing) / np.sqrt(squared + 1e-12)
        total += np.maximum(rise - 0.06, 0) * np.maximum(1 - squared / (4.0 * reach * reach), 0)
    image[rows, columns] = np.maximum(1 - 1.9 * total / SAMPLES, 0)
    # A small blur without the background removes the spiral's pattern.
    weight = ndimage.gaussian_filter(seen.astype(np.float32), 1.2)
    blurred = ndimage.gaussian_filter(np.where(seen, image, 0), 1.2) / np.maximum(weight, 1e-6)
    return np.where(seen, blurred, 1)


def shade(albedo: np.ndarray, normal: np.ndarray, toward: np.ndarray, openness: np.ndarray | float = 1.0) -> np.ndarray:
    """Linear colours (n, 3), at most 1, of points with linear albedo (n, 3) or (3,) and unit normals (n, 3).

    toward: (n, 3) unit vectors to the eye. openness: (n,) from 0 to 1, by `occlusion`.
    """
    sky = 0.5 - 0.5 * normal[:, 1]
    light = (GROUND + (SKY - GROUND) * sky) * openness
    shine = np.zeros(len(normal), normal.dtype)
    for k, (direction, strength) in enumerate(LIGHTS):
        unit = (np.array(direction) / np.linalg.norm(direction)).astype(np.float32)
        # A soft light reaches a little around the terminator.
        facing = np.maximum((normal @ unit + 0.15) / 1.15, 0)
        light = light + strength * facing * (0.35 + 0.65 * openness)
        if k == 0:
            half = unit + toward
            length = np.sqrt(np.einsum("ij,ij->i", half, half))
            shine = 0.10 * np.maximum(np.einsum("ij,ij->i", normal, half) / length, 0) ** 40 * openness
    linear = np.asarray(albedo, np.float32) * light[:, None] + shine[:, None]
    knee = 0.7  # brighter values are compressed
    return np.where(linear > knee, 1 - (1 - knee) * np.exp((knee - np.maximum(linear, knee)) / (1 - knee)), linear)


def encode(linear: np.ndarray) -> np.ndarray:
    """Linear colours (..., 3) in 0 to 1 to sRGB uint8."""
    value = np.clip(linear, 0, 1)
    return np.round(255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )


def decode(color: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """sRGB colours (..., 3) in 0 to 255 to linear ones in 0 to 1."""
    value = np.asarray(color, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
