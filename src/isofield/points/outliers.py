"""Points that do not belong to the surface."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.topology import components

SPARSER = 1.75
"""A point whose 8th neighbour is so many times farther than that of its neighbours is an outlier; of points on a
surface one in thousands is."""
FRAGMENT, FRAGMENT_SHARE = 20, 0.002
"""A connected part of fewer points, or of a smaller share of all, is a stray."""


def inliers(points: np.ndarray) -> np.ndarray:
    """(n,) bool: points (n, 3) that are no outliers.

    A point stays if its 8th neighbour is neither over four times farther than is usual in the cloud nor over
    `SPARSER` times farther than is usual among those neighbours, judged thrice (outliers hide behind each other), and
    if the graph of 8 nearest neighbours, which needs no scale, connects it to more than a few points (a stray fragment
    of a scan is as dense as the rest). The second measure is the local outlier factor (Breunig et al. 2000), with
    medians.
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
