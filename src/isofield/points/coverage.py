"""How far a position is from the points of a cloud, measured by their local spacing: what a scan has observed."""

from __future__ import annotations

import numpy as np

from isofield.kdtree import KDTree, nearest

REACH = 2.0
"""A surface is trusted up to this many local spacings from the points."""
CANDIDATES = 4
"""This many nearest points of each class of spacings are compared."""
OCTAVE = 1.5
"""Points whose local spacings differ by less than this factor form one class."""


def relative_gap(
    x: np.ndarray,
    points: np.ndarray,
    spacing: np.ndarray,
    limit: float,
    facing: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The gap of positions x (m, 3): the least distance to one of points (n, 3) in its own local spacing (n,).

    facing: directions (m, 3) at x and (n, 3) at the points; a point counts only where the two have a positive inner
    product, so that the back of a sheet is not taken for observed. Returns the gaps (m,), inf beyond `limit` spacings,
    and the index (m,) of the point that gave each, or else of the nearest point.

    Density may change from place to place: a dense border does not hide the sparse points beyond it, since points of
    like spacing are searched class by class.
    """
    gap, who = np.full(len(x), np.inf), np.zeros(len(x), np.int64)
    if not len(points) or not len(x):
        return gap, who
    least_distance, who = nearest(KDTree(points), x)
    least = max(float(spacing.min()), 1e-12 * float(spacing.max()), 1e-300)
    octave = np.floor(np.log(np.maximum(spacing, least) / least) / np.log(OCTAVE)).astype(np.int64)
    for one in np.unique(octave):
        row = np.flatnonzero(octave == one)
        k = min(CANDIDATES if facing is None else 2 * CANDIDATES, len(row))
        farthest = limit * float(spacing[row].max())
        at = np.flatnonzero(least_distance <= farthest)
        distance, index = nearest(KDTree(points[row]), x[at], k=list(range(1, k + 1)))
        relative = distance / np.maximum(spacing[row][index], 1e-300)
        relative[distance > farthest] = np.inf
        if facing is not None:
            agree = np.einsum("mj,mkj->mk", facing[0][at], facing[1][row][index]) > 0
            relative[~agree] = np.inf
        best = relative.argmin(1)[:, None]
        value = np.take_along_axis(relative, best, 1)[:, 0]
        nearer = value < gap[at]
        gap[at[nearer]] = value[nearer]
        who[at[nearer]] = row[np.take_along_axis(index, best, 1)[nearer, 0]]
    gap[gap > limit] = np.inf
    return gap, who


def confidence(gap: np.ndarray, reach: float = REACH) -> np.ndarray:
    """(m,) 1 up to half the reach, falling linearly to 0 at the reach; gap (m,) and reach in local spacings."""
    return np.clip(2 - 2 * np.asarray(gap) / reach, 0, 1)
