"""Training samples of one picture: a signed distance in the plane, points of a contour, colours.

Positions: x to the right, y downwards; the longer side of a picture spans -1 to 1, from edge to edge, and samples lie
at the centres of pixels. Distances have the same unit and are negative inside. Rows are in random order.
"""

from __future__ import annotations

import igl
import numpy as np
from skimage.measure import find_contours

from isofield.errors import InputError

LEVEL = 0.5
"""The contour of a picture from 0 to 1: brighter pixels are inside."""


def squared(values: np.ndarray) -> np.ndarray:
    """A picture (h, w, ...) in the middle of a square one, with 0 around it."""
    height, width = values.shape[:2]
    side = max(height, width)
    if height == width:
        return values
    square = np.zeros((side, side, *values.shape[2:]), values.dtype)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = values
    return square


def resized(values: np.ndarray, size: int, *, cubic: bool = False) -> np.ndarray:
    """A square picture (s, s, ...) from 0 to 1 at size x size pixels, float32: bilinear, or bicubic and clipped, with
    a wider filter where it shrinks, so that nothing aliases."""
    from PIL import Image

    if len(values) == size:
        return values.astype(np.float32)
    kind = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    planes = values.reshape(*values.shape[:2], -1)
    scaled = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., k], np.float32)).resize((size, size), kind))
        for k in range(planes.shape[2])
    ]
    return np.stack(scaled, axis=-1).reshape(size, size, *values.shape[2:]).clip(0, 1)


def grid(height: int, width: int) -> np.ndarray:
    """(height, width, 2) float64: x and y of the centres of the pixels."""
    side = max(height, width)
    x, y = ((2 * np.arange(n) + 1 - n) / side for n in (width, height))
    return np.stack(np.meshgrid(x, y), axis=-1)


def contour_of(values: np.ndarray) -> np.ndarray:
    """(n, 2, 2) float64: the segments of the contour at 0.5 of a picture (h, w), bilinear between the centres of pixels
    (marching squares). It ends at the border of the picture.

    Raises InputError for a picture without one.
    """
    height, width = values.shape
    lines = find_contours(np.asarray(values, np.float64), LEVEL) if min(height, width) > 1 else []
    segments = np.concatenate([np.empty((0, 2, 2)), *(np.stack([line[:-1], line[1:]], axis=1) for line in lines)])
    segments = segments[(segments[:, 0] != segments[:, 1]).any(axis=1)]
    if not len(segments):
        raise InputError(
            "all its pixels are on one side of 0.5: a shape needs bright pixels inside and dark ones outside"
        )
    row_column = 2 * segments + 1 - np.array([height, width])
    return row_column[..., ::-1] / max(height, width)


def distance_at(points: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """(n,) exact distances of points (n, 2) to segments (m, 2, 2) (libigl's tree)."""
    ends = np.pad(segments.reshape(-1, 2), ((0, 0), (0, 1)))
    pairs = np.arange(len(ends), dtype=np.int64).reshape(-1, 2)
    return np.sqrt(igl.point_mesh_squared_distance(np.pad(points, ((0, 0), (0, 1))), ends, pairs)[0])


def signed_distance(values: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """(h, w) float64: distances of the centres of the pixels of a picture to its contour, negative inside.

    The contour is where the bilinear picture is 0.5. A difference of two Euclidean distance transforms, as in
    MetaSDF's released code, has no zero: it jumps by two pixels at every border.
    """
    away = distance_at(grid(*values.shape).reshape(-1, 2), segments).reshape(values.shape)
    return np.where(values > LEVEL, -away, away)


def plane(distance: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(h w, 3): x, y and the signed distance (h, w) at every pixel."""
    return random.permutation(np.concatenate([grid(*distance.shape), distance[..., None]], axis=-1).reshape(-1, 3))


def contour(segments: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 2): points on segments (m, 2, 2), one uniform in each of `count` equal parts of their length."""
    start, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    ends = np.cumsum(np.linalg.norm(step, axis=1))
    at = (np.arange(count) + random.random(count)) / count * ends[-1]
    which = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
    share = 1 - (ends[which] - at) / np.linalg.norm(step[which], axis=1)
    return random.permutation(start[which] + np.clip(share, 0, 1)[:, None] * step[which])


def image(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(h w, 2 + c): x, y and the channels of every pixel of (h, w, c), from 0 to 1 there and from -1 to 1 here."""
    rows = np.concatenate([grid(*values.shape[:2]), 2 * np.asarray(values, np.float64) - 1], axis=-1)
    return random.permutation(rows.reshape(len(rows) * rows.shape[1], -1))


def crop(height: int, width: int, size: int, random: np.random.Generator) -> tuple[int, int, int]:
    """Top, left and side of a random square of a picture: its side is log-uniform from `size` pixels to the shorter
    side, or that side where it is below `size`."""
    shorter = min(height, width)
    least = min(size, shorter)
    side = int(np.clip(round(least * (shorter / least) ** random.random()), least, shorter))
    return int(random.integers(height - side + 1)), int(random.integers(width - side + 1)), side


def filled(rows: np.ndarray, size: int) -> np.ndarray:
    """(size, size, k): the columns after x and y of rows (n, 2 + k), in any order, at their pixels; NaN at those
    without a row."""
    at = np.floor((np.asarray(rows[:, :2], np.float64) + 1) / 2 * size).astype(int).clip(0, size - 1)
    values = np.full((size, size, rows.shape[1] - 2), np.nan)
    values[at[:, 1], at[:, 0]] = rows[:, 2:]
    return values
