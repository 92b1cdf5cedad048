"""A few of many rows."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` rows, evenly chosen: indices (k,) int64, ascending, the first and the last included."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)
