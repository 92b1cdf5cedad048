"""The similarity between the user's space and the normalised one."""

from __future__ import annotations

import numpy as np

from isofield.errors import InputError
from isofield.types import RADIUS, Similarity


def normalization(points: np.ndarray) -> Similarity:
    """The map that takes points (n, 3) into the ball of radius `RADIUS`: the box's centre to the origin.

    The farthest point from that centre comes to lie at `RADIUS` (DeepSDF, Park et al. 2019, with its margin of 3 %).
    Non-finite points are left out. Raises `InputError` where no two finite points differ, or their extent is beyond
    what 64 bits hold.
    """
    points = np.asarray(points, np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise InputError("There are no finite points to normalise: give at least two different ones.")
    center = points.min(axis=0) / 2 + points.max(axis=0) / 2
    offset = points - center
    largest = float(np.abs(offset).max())
    if largest == 0:
        raise InputError("All points are equal, so they have no size to normalise: give different ones.")
    farthest = float(np.sqrt(np.square(offset / largest).sum(axis=1).max()))  # without overflow or underflow of squares
    scale = RADIUS / farthest / largest
    if not np.isfinite(scale) or scale == 0 or not np.isfinite(largest * farthest):
        raise InputError(f"The points' extent ({largest:.3g}) is beyond what 64 bits can normalise: change their unit.")
    return Similarity((float(center[0]), float(center[1]), float(center[2])), scale)
