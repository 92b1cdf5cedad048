"""The similarity between the units of an input and the normalised space."""

from __future__ import annotations

import numpy as np

from isofield.errors import InputError
from isofield.types import RADIUS, Similarity


def normalization(points: np.ndarray) -> Similarity:
    """The similarity that maps points (n, 3) into the ball of radius `RADIUS` around the origin.

    The centre of the bounding box maps to the origin and the point farthest from it to `RADIUS` (DeepSDF, Park et al.
    2019, with a margin of 3 %). Non-finite points are ignored. Raises `InputError` if no two finite points differ, or
    if the extent exceeds 64-bit numbers.
    """
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise InputError("There are no finite points to normalise: give at least two different ones.")
    center = points.min(axis=0) / 2 + points.max(axis=0) / 2
    offset = points - center
    largest = float(np.abs(offset).max())
    if largest == 0:
        raise InputError("All points are equal: give at least two different ones.")
    farthest = float(np.sqrt(np.square(offset / largest).sum(axis=1).max()))  # without overflow or underflow of squares
    scale = RADIUS / farthest / largest
    if not np.isfinite(scale) or scale == 0 or not np.isfinite(largest * farthest):
        raise InputError(f"The extent of the points ({largest:.3g}) exceeds 64-bit numbers: change their unit.")
    return Similarity((float(center[0]), float(center[1]), float(center[2])), scale)
