"""The floor that a scanned shape stands on: points of a plane below the whole cloud that face the rest of it.

Where a plane touches a solid from outside, the solid's outward normal points away from all of it. Points that face the
rest of the cloud from a plane below all of it are therefore not on the solid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from isofield.kdtree import KDTree, nearest
from isofield.points.downsample import select
from isofield.points.local_pca import noise_level
from isofield.points.normals import orient
from isofield.points.openness import openness
from isofield.points.outliers import inliers
from isofield.rows import evenly
from isofield.types import Cloud, normalization

if TYPE_CHECKING:
    import trimesh

S = TypeVar("S", bound="Cloud | trimesh.Trimesh")

CANDIDATES, PATCH = 400, 24
"""Planes that are tried, each through this many neighbouring points."""
SEARCHED = 20_000
"""Points of a larger cloud that are searched for planes: in denser ones a patch is smaller, and noise tilts it."""
FACING = 0.8
"""Least cosine between the normal of a floor's point and that of its plane."""
SHARE = 0.0005
"""Fraction of the points that a floor has at least, and that may lie below it: strays."""
BELOW = 2.0
"""Points lie below a plane from this many tolerances on."""
WIDE, ROUNDS = 5.0, 5
"""The plane is fitted to the points within this many tolerances of it, and within one at last, in as many rounds."""
NOISES, FLAT, FLAT_FACES = 6.0, 0.004, 0.006
"""Points of a floor lie within this many standard deviations of the noise from its plane, or within the second fraction
of the radius, if larger; faces within the third."""


def without_floor(shape: S) -> tuple[S, float]:
    """A cloud or a mesh without the floor below it, and the fraction of its points, or faces, that the floor had: 0
    where none is found.

    The normals that a cloud has, or those of the faces, must point outward in the mean; others are oriented here.
    """
    left: Any = shape
    if isinstance(shape, Cloud):
        below = _floor_of(shape)
        if below.any():
            left = select(shape, ~below)
        return left, float(below.mean())
    corners = np.asarray(shape.triangles)
    radius = float(np.linalg.norm(np.ptp(corners.reshape(-1, 3), axis=0))) / 2
    below = floor(corners.mean(1), np.asarray(shape.face_normals), FLAT_FACES * radius)
    if below.any():
        left = shape.copy()
        left.update_faces(~below)
    return left, float(below.mean())


def _floor_of(cloud: Cloud) -> np.ndarray:
    """(n,) bool: which points belong to a floor or lie below it."""
    similarity = normalization(cloud.points)
    points, normals = similarity.apply(cloud.points), cloud.normals
    if normals is None:
        some = np.flatnonzero(inliers(points))
        some = some[evenly(len(some), SEARCHED)]
        sensors = None if cloud.sensors is None else similarity.apply(cloud.sensors)[some]
        shown = openness(points[some], sensors)
        found = orient(points[some], sensors=sensors, encloses=not shown.open, seen=shown.seen)
        normals = found.normals[nearest(KDTree(points[some]), points)[1]]
    return floor(points, normals, max(NOISES * noise_level(points), FLAT))


def floor(points: np.ndarray, normals: np.ndarray, tolerance: float) -> np.ndarray:
    """(n,) bool: which of points (n, 3) with outward unit normals (n, 3) are not above a floor; none where there is no
    floor.

    tolerance: how far a point of the floor is from its plane. The floor is the plane with the most points that face up
    from it, among `CANDIDATES` planes through patches of the cloud, half of them at corners of its hull; no point is
    below it, but for strays. The normals of the others must point outward in the mean: reversed ones find nothing.
    """
    count = len(points)
    nothing = np.zeros(count, bool)
    if count < 2 * PATCH:
        return nothing
    random = np.random.default_rng(0)
    rows = np.sort(random.permutation(count)[:SEARCHED])
    x, n = points[rows], normals[rows]
    corners, others = random.permutation(_corners(x)), random.permutation(len(x))
    chosen = np.concatenate([corners[: CANDIDATES // 2], others[: CANDIDATES // 2]])
    best, most = nothing, max(SHARE * len(x), PATCH / 2)
    for patch in nearest(KDTree(x), x[chosen], k=PATCH)[1]:
        toward = n[patch].mean(0)
        if float(np.linalg.norm(toward)) < FACING:
            continue
        found = _supporting(x, n, *_plane(x[patch], toward), tolerance)
        if found is not None and found[2] > most:
            best, most = (points - found[0]) @ found[1] < tolerance, found[2]
    rest = points[~best]
    outward = float(((rest - rest.mean(0)) * normals[~best]).sum()) if len(rest) else 0.0
    return best if outward > 0 else nothing


def _plane(points: np.ndarray, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (3,) of points (n, 3), and the unit normal (3,) of the plane fitted to them, on the side of `toward`."""
    middle = points.mean(0)
    axis = np.linalg.eigh(np.cov((points - middle).T))[1][:, 0]
    return middle, axis * np.sign(axis @ toward)


def _corners(points: np.ndarray) -> np.ndarray:
    """Rows (k,) of the points at the corners of the convex hull: a small floor has some of them."""
    try:
        return np.asarray(ConvexHull(points).vertices)
    except QhullError:  # flat
        return np.empty(0, np.int64)


def _supporting(
    points: np.ndarray, normals: np.ndarray, middle: np.ndarray, up: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """A plane below all points, fitted to those near it that face up: its point (3,), its normal (3,), and how many
    these are; None where the plane has points on both sides."""
    for wide in np.geomspace(WIDE, 1, ROUNDS) * tolerance:
        height = (points - middle) @ up
        on = (np.abs(height) < wide) & (normals @ up > FACING)
        if (height < -BELOW * wide).mean() > SHARE or np.count_nonzero(on) < 3:
            return None
        middle, up = _plane(points[on], up)
    height = (points - middle) @ up
    if (height < -BELOW * tolerance).mean() > SHARE:
        return None
    return middle, up, int(np.count_nonzero((np.abs(height) < tolerance) & (normals @ up > FACING)))
