"""Pictures of fields in the plane: level sets of a distance, and colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

OUTSIDE, INSIDE = np.array([236.0, 238, 241]), np.array([150.0, 178, 208])
"""sRGB of the background and of the inside."""
LINE, ZERO = np.array([150.0, 158, 168]), np.array([24.0, 54, 92])
"""sRGB of level sets, and of the zero set."""
GAP = 2
"""Pixels between pictures."""
SPACING = 0.1
"""Distance between level sets."""


def level_sets(
    distance: Float[np.ndarray, "h w"], spacing: float = SPACING, thick: float = 1.0
) -> UInt8[np.ndarray, "h w 3"]:
    """A picture of a signed distance at the centres of pixels: inside shaded, with level sets at multiples of `spacing`
    and a thicker line at zero.

    thick: pixels from the middle of the zero line to its border; the others are half as thick. Values that are not
    finite are white.
    """
    known = np.isfinite(distance)
    value = np.where(known, distance, 1.0)
    slope = np.maximum(np.hypot(*np.gradient(value)), 1e-9)  # per pixel, so that a line is as thick where it differs
    color = np.where(value[..., None] < 0, INSIDE, OUTSIDE)
    nearest = np.round(value / spacing)
    for line, away, half in ((LINE, np.abs(value - spacing * nearest), thick / 2), (ZERO, np.abs(value), thick)):
        share = np.clip(half + 0.5 - away / slope, 0, 1)[..., None]
        color = color + share * (line - color)
    color[~known] = 255
    return color.round().astype(np.uint8)


def colors(channels: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    """A picture of channels (h, w), (h, w, 1) or (h, w, 3) from -1 to 1; others are clipped."""
    bright = np.clip(127.5 * (np.asarray(channels, np.float64) + 1), 0, 255).round().astype(np.uint8)
    bright = bright.reshape(*bright.shape[:2], -1)
    return bright if bright.shape[2] == 3 else np.repeat(bright[..., :1], 3, axis=2)


def strip(*pictures: np.ndarray, gap: int = 2) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures (h, w, 3) of one height side by side, with white between them."""
    between = np.full((len(pictures[0]), gap, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (between, picture)]
    return np.concatenate(parts[1:], axis=1)


def resampled(values: np.ndarray, size: int) -> np.ndarray:
    """Values (h, h, ...) at the centres of pixels of the same square at size x size pixels: bilinear, level beyond the
    outer centres."""
    from skimage.transform import resize

    if len(values) == size:
        return values
    return np.asarray(resize(values, (size, size), order=1, mode="edge", anti_aliasing=size < len(values)))


def mosaic(pictures: Sequence[np.ndarray], columns: int) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures (h, w, 3) of one size in rows of `columns`, with white between them and where there are none."""
    blank = np.full_like(pictures[0], 255)
    padded = [*pictures, *[blank] * (-len(pictures) % columns)]
    rows = [strip(*padded[start : start + columns], gap=GAP) for start in range(0, len(padded), columns)]
    between = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([part for row in rows for part in (between, row)][1:], axis=0)
