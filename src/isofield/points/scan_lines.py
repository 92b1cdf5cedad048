"""Points in the lines of a scanner, many times denser along a line than from line to line.

The neighbours of such a point lie on its own line, and show no surface. Thinned along the lines, the points are about
as far apart in both directions.
"""

from __future__ import annotations

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.local_pca import FLAT, NEIGHBOURS, planes
from isofield.rows import evenly
from isofield.stopwatch import stage

NEAR, FAR = 4, 16
"""On a surface the distance to the second of these neighbours is twice that to the first, on a line four times."""
LINED = 2.5
"""Points are along a line beyond this ratio, in the median over their neighbours: scans of 16 rings have 3.4 and 3.7,
others 1.8 to 2.1, wires in noise 2.8."""
TRIED = 5000
"""Points at which the ratio is taken first."""
ROUNDS, FEW = 6, 0.05
"""Rounds of thinning, until at most this share of the points is along lines."""
BESIDE = 1.2
"""A point that stays removes neighbours up to this many times the distance of the second nearest."""
SURFACE = 0.6
"""The lines are a scanner's if at least this share of the points that are left has flat neighbourhoods: 0.92 and 0.95
in scans of 16 rings, 0.3 on wires."""


@stage("neighbours")
def evened_lines(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) stay where a scanner's lines are thinned; all where there are none."""
    kept = np.ones(len(points), bool)
    if len(points) <= FAR:
        return kept
    distance, _ = nearest(KDTree(points), points[evenly(len(points), TRIED)], k=[NEAR + 1, FAR + 1])
    if np.median(distance[:, 1] / np.maximum(distance[:, 0], 1e-300)) < LINED:
        return kept
    for _ in range(ROUNDS):
        rows = np.flatnonzero(kept)
        stay = _thinned(points[rows])
        if stay.all():
            break
        kept[rows[~stay]] = False
        if len(rows) <= 2 * FAR:
            break
    left = points[kept]
    bend = planes(left, nearest(KDTree(left), left, k=min(NEIGHBOURS, len(left)))[1])[2]
    return kept if (bend < FLAT).mean() >= SURFACE else np.ones(len(points), bool)


def _thinned(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) stay after one round; all where few are along lines."""
    stay = np.ones(len(points), bool)
    distance, index = nearest(KDTree(points), points, k=min(FAR + 1, len(points)))
    ratio = distance[:, -1] / np.maximum(distance[:, NEAR], 1e-300)
    along = np.median(ratio[index], axis=1) > LINED
    if along.mean() <= FEW:
        return stay
    beside = (distance[:, 1 : NEAR + 1] <= BESIDE * distance[:, 2:3]) & along[index[:, 1 : NEAR + 1]]
    decided = ~along
    for row in np.random.default_rng(0).permutation(np.flatnonzero(along)):
        if stay[row]:
            decided[row] = True
            near = index[row, 1 : NEAR + 1][beside[row]]
            stay[near[~decided[near]]] = False
    return stay
