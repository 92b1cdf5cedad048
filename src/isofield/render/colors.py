"""Numbers and signed distances as colours."""

from __future__ import annotations

import numpy as np

RAMP = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)])
"""Colours of a number from its least to its greatest value: viridis (van der Walt and Smith 2015), five of them."""
INSIDE, ZERO, OUTSIDE = (33, 102, 172), (250, 250, 250), (178, 24, 43)
"""Colours of the least distance, of zero and of the greatest one: blue inside, red outside."""


def ramp(values: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 of numbers (n,), from their 1st to their 99th percentile; grey where a number is not finite."""
    good = np.isfinite(values)
    if not good.any():
        return np.full((len(values), 3), 128, np.uint8)
    low, high = np.percentile(values[good], [1, 99])
    share = np.clip((np.where(good, values, low) - low) / max(high - low, 1e-300), 0, 1)
    colors = mixed(share, RAMP)
    colors[~good] = 128
    return colors


def mixed(share: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """(..., 3) uint8: colours (k, 3) interpolated at shares (...) from 0 to 1."""
    steps = np.linspace(0, 1, len(colors))
    return np.rint(np.stack([np.interp(share, steps, colors[:, k]) for k in range(3)], -1)).astype(np.uint8)


def colors_of_distance(values: np.ndarray, limit: float) -> np.ndarray:
    """(..., 3) uint8 of distances (...): blue inside, white at zero, red outside; beyond +-limit the last colour."""
    share = np.clip(np.nan_to_num(values) / max(limit, 1e-300), -1, 1) / 2 + 0.5
    return mixed(share, np.array([INSIDE, ZERO, OUTSIDE]))
