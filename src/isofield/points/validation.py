"""Checks of whether points or a mesh can be fitted; only proportions matter, not units or position."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.points.downsample import select, voxel_box
from isofield.topology import degenerate, distinct
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

FEWEST = 100
"""Fewest different points that determine a surface."""
SOME = 10_000
"""Points that are compared with each other, if enough of them differ."""
FEW = 0.1
"""Up to this fraction of non-finite points or faces is dropped; with more, the file is broken."""
THIN = 1e-4
"""Points whose second principal extent is below this fraction of the first lie on a line."""
EXTENTS = (1e-90, 1e90)
"""The volume of a smaller or larger box exceeds 64-bit numbers."""
COARSE = 1e-4
"""A step between stored numbers above this fraction of the diagonal causes a warning."""


def check_points(points: np.ndarray, name: str) -> np.ndarray:
    """The finite points of an array (n, 3) as float64, after checking that they can determine a surface.

    name: of the points in messages (a path, 'the array'). Raises `InputError` if the array is not (n, 3), more than a
    tenth of it is not finite, fewer than 100 points are different, or all are equal or on a line; points of three NaN,
    as depth cameras write them where they measured nothing, may be more. Warns of dropped points and of coordinates too
    far from the origin for their precision.
    """
    points = _table(points, name)
    return points[_usable(points, name)]


def check_cloud(cloud: Cloud, name: str) -> Cloud:
    """`check_points` for a cloud: normals, colours, attributes and sensors stay with their points."""
    points = _table(cloud.points, name)
    if cloud.normals is not None and np.shape(cloud.normals) != points.shape:
        raise InputError(
            f"{name} has normals of shape {np.shape(cloud.normals)} for points of shape {points.shape}: give one each."
        )
    if cloud.sensors is not None and np.shape(cloud.sensors) != points.shape:
        raise InputError(
            f"{name} has sensors of shape {np.shape(cloud.sensors)} for points of shape {points.shape}: give one each."
        )
    for attribute, values in cloud.attributes.items():
        if np.shape(values) != (len(points),):
            raise InputError(
                f"{name} has {np.shape(values)} values of {attribute!r} for {len(points)} points: give one each."
            )
    kept = _usable(points, name)
    if kept.all():
        return dataclasses.replace(cloud, points=points)
    return select(dataclasses.replace(cloud, points=points), kept)


def check_faces(mesh: trimesh.Trimesh, name: str) -> trimesh.Trimesh:
    """The mesh without faces that have a non-finite corner, after checking that it has an area.

    Raises `InputError` if it has no faces, more than a tenth of them are not finite, or all are degenerate. Warns of
    dropped faces and of coordinates too far from the origin for their precision.
    """
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not len(faces):
        raise InputError(f"{name} has no faces: give a mesh with faces, or points.")
    good = np.isfinite(vertices[faces].reshape(-1, 9)).all(axis=1)
    lost = int(np.count_nonzero(~good))
    if lost > FEW * len(faces):
        raise InputError(
            f"{name} has {lost} of {len(faces)} faces with coordinates that are not finite (NaN or infinite): "
            "export it again."
        )
    _sized(vertices[np.unique(faces[good])], name)
    if degenerate(vertices, faces[good]).all():
        raise InputError(
            f"{name} has only degenerate faces ({len(faces)} of area 0): export it again, or give the points alone."
        )
    if lost:
        warnings.warn(
            f"{name}: {lost} of {len(faces)} faces have coordinates that are not finite (NaN or infinite) and are "
            "dropped",
            stacklevel=2,
        )
        mesh = mesh.copy()
        mesh.update_faces(good)
        mesh.remove_unreferenced_vertices()
    _precision(np.asarray(mesh.vertices, np.float64), name)
    return mesh


def _table(points: np.ndarray, name: str) -> np.ndarray:
    try:
        points = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} does not hold numbers: give points as an array of (n, 3) floats.") from None
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"{name} has the shape {points.shape}: give points as an array of (n, 3).")
    return points


def _usable(points: np.ndarray, name: str) -> np.ndarray:
    """(n,) bool: which points are finite, after checking that these can determine a surface."""
    finite = np.isfinite(points).all(axis=1)
    total, lost = len(points), int(np.count_nonzero(~finite))
    if not total:
        raise InputError(f"{name} holds no points: give at least {FEWEST}.")
    empty = int(np.count_nonzero(np.isnan(points).all(axis=1)))  # cameras write pixels without a measurement so
    if lost - empty > FEW * total:
        raise InputError(
            f"{name} has {lost} of {total} points that are not finite (NaN or infinite): export it again, or "
            "remove them first."
        )
    if (left := total - lost) < FEWEST:
        what = "1 point" if left == 1 else f"{left} points"
        raise InputError(f"{name} has {what}, and a surface needs at least {FEWEST}: give a denser scan.")
    kept = points[finite]
    different = len(distinct(kept[:: max(1, len(kept) // SOME)])[0])
    if different < FEWEST:  # of all points there may be more
        different = len(distinct(kept)[0])
    if different == 1:
        raise InputError(f"{name} has {len(kept)} points, all of them equal: give points of a surface.")
    _sized(kept, name)
    step = _precision(kept, name)
    if _on_a_line(kept, step) and _on_a_line(kept[_central(kept)], step):
        raise InputError(f"{name} has {len(kept)} points, all on one line: give points of a surface.")
    if different < FEWEST:
        raise InputError(
            f"{name} has {len(kept)} points but only {different} different ones, and a surface needs at least "
            f"{FEWEST}: give a denser scan."
        )
    if lost:
        warnings.warn(
            f"{name}: {lost} of {total} points are not finite (NaN or infinite) and are dropped", stacklevel=3
        )
    return finite


def _on_a_line(points: np.ndarray, step: float) -> bool:
    """Whether finite points (n, 3) lie on a line, where numbers are rounded to this fraction of the extent."""
    x = centered(points)
    extents = np.linalg.svd(x.T @ x, compute_uv=False) ** 0.5
    return bool(extents[1] <= max(THIN, 2 * step) * extents[0])


def _central(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) are not strays, such as (0, 0, 0) beside a map's coordinates: in the box of the
    central 99.8 % along each axis, and its own width around it."""
    low, high = voxel_box(points)
    width = high - low
    return np.asarray(((points >= low - width) & (points <= high + width)).all(1))


def centered(points: np.ndarray) -> np.ndarray:
    """Finite points (n, 3) relative to the centre of their box, divided by its longest side if that is not zero."""
    low, high = points.min(axis=0), points.max(axis=0)
    x = points - (low / 2 + high / 2)
    largest = float(np.abs(x).max(initial=0)) * 2
    return x / largest if largest > 0 else x


def _sized(points: np.ndarray, name: str) -> None:
    """Raises `InputError` if volumes in the unit of finite points (n, 3) exceed 64-bit numbers."""
    largest = float((points.max(axis=0) / 2 - points.min(axis=0) / 2).max()) * 2
    if largest > 0 and not EXTENTS[0] <= largest <= EXTENTS[1]:
        raise InputError(
            f"{name} has an extent of {largest:.3g}, whose volume exceeds 64-bit numbers: change its unit."
        )


def _precision(points: np.ndarray, name: str) -> float:
    """The step between adjacent stored numbers, as a fraction of the diagonal; warns if it is coarse.

    If all numbers fit into 32 bits, they are assumed to have been stored so.
    """
    if not len(points):
        return 0.0
    with np.errstate(over="ignore", under="ignore"):
        single = bool((points.astype(np.float32) == points).all())
    farthest = np.abs(points).max()
    diagonal = float(np.linalg.norm(points.max(axis=0) / 2 - points.min(axis=0) / 2) * 2)
    step = float(np.spacing(np.float32(farthest)) if single else np.spacing(farthest))
    part = step / diagonal if diagonal > 0 else 0.0
    if part > COARSE:
        warnings.warn(
            f"{name}: the coordinates are so far from the origin ({farthest:.3g}, at an extent of {diagonal:.3g}) that "
            f"{32 if single else 64} bits hold them only in steps of {step:.2g} ({100 * part:.2g} % of the diagonal); "
            f"move the shape to the origin before it is saved{' or save it in 64 bits' if single else ''}",
            stacklevel=4,
        )
    return part
