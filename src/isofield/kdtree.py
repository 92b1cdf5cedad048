"""Nearest neighbours of many points, on several threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from isofield.stopwatch import stage
from isofield.threads import parallel_map, ranges

CHUNK = 8192
"""Query points per task."""


def nearest(tree: cKDTree, points: np.ndarray, k: int | Sequence[int] = 1) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices as `tree.query(points, k)` gives them, for points (n, 3).

    SciPy's own threads write into arrays that are freed under them on Ctrl-C; these keep a reference to what they use.
    """
    with stage("neighbours"):
        chunks = parallel_map(lambda part: tree.query(points[part], k=k), ranges(len(points), CHUNK))
    if not chunks:
        return tree.query(points, k=k)
    return np.concatenate([distance for distance, _ in chunks]), np.concatenate([index for _, index in chunks])
