"""The floor that a scanned shape stands on: points of a plane with the whole cloud on one side, and facing it.

Where a plane touches a solid from outside, the solid's outward normal points away from all of it. Points that face the
rest of the cloud from a plane below all of it are therefore not on the solid.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

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
    """(n,) bool: which of points (n, 3) with outward unit normals (n, 3) are on the floor below the others.

    tolerance: how far a point of the floor is from its plane. The floor is the plane with the most such points among
    `CANDIDATES` planes through patches of the cloud; all points are above it, but for strays. Nowhere true where there
    is none.
    """
    count = len(points)
    least = max(SHARE * count, PATCH / 2)
    if count < 2 * PATCH:
        return np.zeros(count, bool)
    chosen = np.random.default_rng(0).permutation(count)[:CANDIDATES]
    patches = nearest(cKDTree(points), points[chosen], k=PATCH)[1]
    best = np.zeros(count, bool)
    for patch in patches:
        up = normals[patch].mean(0)
        length = float(np.linalg.norm(up))
        if length < FACING:
            continue
        found = _refined(points, normals, points[patch].mean(0), up / length, tolerance)
        if found.sum() > max(least - 1, best.sum()):
            best = found
    return best


def _refined(
    points: np.ndarray, normals: np.ndarray, middle: np.ndarray, up: np.ndarray, tolerance: float
) -> np.ndarray:
    """The points of the floor near a plane, once it is fitted to them; none where the cloud is on both sides."""
    nothing = np.zeros(len(points), bool)
    for wide in np.linspace(WIDE, 1, ROUNDS) * tolerance:
        height = (points - middle) @ up
        if (height < -wide).mean() > SHARE:
            return nothing
        on = (np.abs(height) < wide) & (normals @ up > FACING)
        if on.sum() < 3:
            return nothing
        middle = points[on].mean(0)
        axes = np.linalg.svd(points[on] - middle, full_matrices=False)[2]
        up = axes[2] * np.sign(axes[2] @ up)
    height = (points - middle) @ up
    return nothing if (height < -tolerance).mean() > SHARE else (np.abs(height) < tolerance) & (normals @ up > FACING)
