"""The floor that a scanned shape stands on: points of a plane below the whole cloud that face the rest of it.

Where a plane touches a solid from outside, the solid's outward normal points away from all of it. Points that face the
rest of the cloud from a plane below all of it are therefore not on the solid.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from isofield.kdtree import nearest

CANDIDATES, PATCH = 400, 48
"""Planes that are tried, each through this many neighbouring points."""
FACING = 0.8
"""Least cosine between the normal of a floor's point and that of its plane."""
SHARE = 0.0005
"""Fraction of the points that a floor has at least, and that may lie below it: strays."""
WIDE, ROUNDS = 3.0, 4
"""The plane is fitted to the points within this many tolerances of it, and within one at last, in as many rounds."""


def floor(points: np.ndarray, normals: np.ndarray, tolerance: float) -> np.ndarray:
    """(n,) bool: which of points (n, 3) with outward unit normals (n, 3) are not above a floor; none where there is no
    floor.

    tolerance: how far a point of the floor is from its plane. The floor is the plane with the most points that face up
    from it, among `CANDIDATES` planes through patches of the cloud, half of them at corners of its hull; no point is
    below it, but for strays.
    """
    count = len(points)
    if count < 2 * PATCH:
        return np.zeros(count, bool)
    random = np.random.default_rng(0)
    corners, others = random.permutation(_corners(points)), random.permutation(count)
    chosen = np.concatenate([corners[: CANDIDATES // 2], others[: CANDIDATES // 2]])
    patches = nearest(cKDTree(points), points[chosen], k=PATCH)[1]
    most, best = max(SHARE * count, PATCH / 2), np.zeros(count, bool)
    for patch in patches:
        up = normals[patch].mean(0)
        length = float(np.linalg.norm(up))
        if length < FACING:
            continue
        height = _heights(points, normals, points[patch].mean(0), up / length, tolerance)
        if height is not None and height[1] > most:
            best, most = height[0] < tolerance, height[1]
    return best


def _corners(points: np.ndarray) -> np.ndarray:
    """Rows (k,) of the points at the corners of the convex hull: a small floor has some of them."""
    try:
        return np.asarray(ConvexHull(points).vertices)
    except QhullError:  # flat
        return np.empty(0, np.int64)


def _heights(
    points: np.ndarray, normals: np.ndarray, middle: np.ndarray, up: np.ndarray, tolerance: float
) -> tuple[np.ndarray, int] | None:
    """The heights (n,) of all points above a plane, fitted to those near it that face up, and the number of these; None
    where it has points on both sides."""
    for wide in np.linspace(WIDE, 1, ROUNDS) * tolerance:
        height = (points - middle) @ up
        on = (np.abs(height) < wide) & (normals @ up > FACING)
        if (height < -wide).mean() > SHARE or np.count_nonzero(on) < 3:
            return None
        middle = points[on].mean(0)
        axis = np.linalg.eigh(np.cov((points[on] - middle).T))[1][:, 0]
        up = axis * np.sign(axis @ up)
    height = (points - middle) @ up
    if (height < -tolerance).mean() > SHARE:
        return None
    return height, int(np.count_nonzero((np.abs(height) < tolerance) & (normals @ up > FACING)))
