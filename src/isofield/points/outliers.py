"""Outliers: points that do not belong to the surface."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.topology import components

SPARSER = 1.75
"""A point is an outlier if its 8th neighbour is this many times farther away than is typical of its neighbours; one in
thousands of points on a surface is."""
FRAGMENT, FRAGMENT_SHARE = 20, 0.002
"""A connected component with fewer points than this, or a smaller fraction of all, is a stray fragment."""


def inliers(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) are not outliers.

    The distance to the 8th neighbour must be at most four times its median over the cloud, and at most `SPARSER` times
    its median over the neighbours (the local outlier factor of Breunig et al. 2000, with medians). This is repeated
    three times, since outliers hide behind each other. The graph of 8 nearest neighbours, which needs no scale, must
    then connect the point to more than a few others: a stray fragment of a scan is as dense as the rest.
    """
    kept = np.ones(len(points), bool)
    for _ in range(3):
        index = np.flatnonzero(kept)
        distance, near = nearest(cKDTree(points[index]), points[index], k=9)
        eighth = distance[:, 8]
        around = np.median(eighth[near[:, 1:]], axis=1)
        kept[index[(eighth > 4 * np.median(eighth)) | (eighth > SPARSER * around)]] = False
    index = np.flatnonzero(kept)
    near = nearest(cKDTree(points[index]), points[index], k=9)[1][:, 1:]
    part = components(len(index), np.repeat(np.arange(len(index)), 8), near.ravel())
    size = np.bincount(part)
    few = size < max(FRAGMENT, FRAGMENT_SHARE * len(index))
    few[size.argmax()] = False
    kept[index[few[part]]] = False
    return kept
