"""Whether points or a mesh can be fitted at all; units and place do not matter, only proportions."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.points.downsample import chosen
from isofield.topology import degenerate, distinct
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

FEWEST = 100
"""Fewer different points than this say too little about a surface."""
FEW = 0.1
"""Up to this part of non-finite points or faces is dropped; with more, the file itself is broken."""
THIN = 1e-4
"""Points whose second extent is below this part of the first lie on a line."""
EXTENTS = (1e-90, 1e90)
"""Boxes smaller or larger than this have volumes that 64 bits do not hold."""
COARSE = 1e-4
"""A step between stored numbers above this part of the diagonal is worth a word."""


def check_points(points: np.ndarray, name: str) -> np.ndarray:
    """The finite ones of points (n, 3), float64, once they are known to be enough for a surface.

    name: what the points are called in messages (a path, 'the array'). Raises `InputError` where the array is not
    (n, 3) or more than a tenth of it is not finite, where fewer than 100 points are different, and where all are equal
    or on a line. Warns of dropped points and of coordinates too far from the origin for their precision.
    """
    points = _table(points, name)
    return points[_usable(points, name)]


def check_cloud(cloud: Cloud, name: str) -> Cloud:
    """`check_points` for a cloud: what was measured at the points is kept beside those that stay."""
    points = _table(cloud.points, name)
    if cloud.normals is not None and np.shape(cloud.normals) != points.shape:
        raise InputError(
            f"{name} has normals of shape {np.shape(cloud.normals)} for points of shape {points.shape}: give one each."
        )
    for attribute, values in cloud.attributes.items():
        if np.shape(values) != (len(points),):
            raise InputError(
                f"{name} has {np.shape(values)} values of {attribute!r} for {len(points)} points: give one each."
            )
    kept = _usable(points, name)
    if kept.all():
        return dataclasses.replace(cloud, points=points)
    return chosen(dataclasses.replace(cloud, points=points), kept)


def check_faces(mesh: trimesh.Trimesh, name: str) -> trimesh.Trimesh:
    """The mesh without faces that have a non-finite corner, once it is known to have an area.

    Raises `InputError` where it has no faces, where more than a tenth of them is not finite, and where all are
    degenerate (no area). Warns of dropped faces and of coordinates too far from the origin for their precision.
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
            f"{name} has only degenerate faces ({len(faces)} without any area): export it again, or give its points."
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
    """(n,) bool: which points are finite, once what is left is known to be enough."""
    finite = np.isfinite(points).all(axis=1)
    total, lost = len(points), int(np.count_nonzero(~finite))
    if not total:
        raise InputError(f"{name} holds no points: give at least {FEWEST}.")
    if lost > FEW * total:
        raise InputError(
            f"{name} has {lost} of {total} points that are not finite (NaN or infinite): export it again, or "
            "remove them first."
        )
    if total - lost < FEWEST:
        raise InputError(
            f"{name} has {total - lost} points, and a surface needs at least {FEWEST}: give a denser scan."
        )
    kept = points[finite]
    different = len(distinct(kept)[0])
    if different == 1:
        raise InputError(f"{name} has {len(kept)} points that are all equal: export it again.")
    _sized(kept, name)
    x = centered(kept)
    extents = np.linalg.svd(x.T @ x, compute_uv=False) ** 0.5
    step = _precision(kept, name)
    if extents[1] <= max(THIN, 2 * step) * extents[0]:
        raise InputError(f"{name} has all its {len(kept)} points on a line: give points of a surface.")
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


def centered(points: np.ndarray) -> np.ndarray:
    """Finite points (n, 3) less the centre of their box, divided by its longest side (by 1 where it has none)."""
    low, high = points.min(axis=0), points.max(axis=0)
    x = points - (low / 2 + high / 2)
    largest = float(np.abs(x).max(initial=0)) * 2
    return x / largest if largest > 0 else x


def _sized(points: np.ndarray, name: str) -> None:
    """Raises InputError where volumes in the unit of finite points (n, 3) are beyond what 64 bits hold."""
    largest = float((points.max(axis=0) / 2 - points.min(axis=0) / 2).max()) * 2
    if largest > 0 and not EXTENTS[0] <= largest <= EXTENTS[1]:
        raise InputError(f"{name} has an extent of {largest:.3g}, whose volume 64 bits cannot hold: change its unit.")


def _precision(points: np.ndarray, name: str) -> float:
    """The step between neighbouring stored numbers, as a part of the box's diagonal; a warning where it is coarse.

    Numbers that all fit into 32 bits are taken to come from there.
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
