"""Fields out of fields: unions, intersections, differences, offsets, shells and motions, each a field again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from isofield import io
from isofield.api.sdf import SDF
from isofield.errors import InputError
from isofield.fields.csg import Csg, Offset, Operation, Transformed
from isofield.points import normalization
from isofield.points.local_pca import subsample
from isofield.types import Similarity


def combined(operation: Operation, *parts: SDF) -> SDF:
    """The union or intersection of the insides of several fields, or the first without the others.

    Exact on the surface; elsewhere a bound of the distance where surfaces meet. Raises InputError for fewer than two,
    and for an intersection of shapes that are apart.
    """
    if not all(isinstance(part, SDF) for part in parts):
        raise InputError(f"{operation} takes fields alone: give what isofield.fit or isofield.load returned.")
    if len(parts) < 2:
        raise InputError(f"{operation} takes at least two fields: give more.")
    boxes = np.array([_box(part) for part in parts])  # (k, 2, 3)
    if operation == "union":
        low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
    elif operation == "intersection":
        low, high = boxes[:, 0].max(0), boxes[:, 1].min(0)
    else:
        low, high = boxes[0]
    if not (low < high).all():
        raise InputError("the fields' boxes do not meet, so that there is no intersection: give shapes that overlap.")
    similarity = normalization(np.array([low, high]))
    fields = [_placed(part, similarity) for part in parts]
    held = [subsample(part.points, part.spacing) for part in parts]
    points, spacing = np.concatenate([points for points, _ in held]), max(apart for _, apart in held)
    provenance = {"method": operation, "parts": [part.provenance for part in parts]}
    return _made(Csg(operation, fields), similarity, points, spacing, (low, high), provenance)


def offset(sdf: SDF, distance: float) -> SDF:
    """What is nearer to the shape than `distance` (user's units): positive grows it, negative shrinks it."""
    low, high = _box(sdf)
    room = max(_finite(distance, "distance"), 0.0)
    field = Offset(sdf.field, distance * sdf.similarity.scale)
    provenance = {"method": "offset", "distance": distance, "parts": [sdf.provenance]}
    points, spacing = subsample(sdf.points, sdf.spacing)
    return _made(field, sdf.similarity, points, spacing, (low - room, high + room), provenance)


def shell(sdf: SDF, thickness: float) -> SDF:
    """A wall of `thickness` (user's units) with the shape's surface in its middle."""
    if not _finite(thickness, "thickness") > 0:
        raise InputError(f"thickness {thickness} is no wall: give a number greater than 0.")
    low, high = _box(sdf)
    half = thickness / 2
    field = Offset(sdf.field, half * sdf.similarity.scale, -half * sdf.similarity.scale)
    provenance = {"method": "shell", "thickness": thickness, "parts": [sdf.provenance]}
    points, spacing = subsample(sdf.points, sdf.spacing)
    aside = half * np.asarray(sdf.normals(points))  # a wall has points on both of its sides
    points = np.concatenate([points + aside, points - aside])
    return _made(field, sdf.similarity, points, spacing, (low - half, high + half), provenance)


def moved(sdf: SDF, matrix: np.ndarray | Sequence[Sequence[float]]) -> SDF:
    """The shape after a rigid motion: matrix (4, 4), columns as x' = R x + t. Raises InputError for another matrix."""
    pose = np.asarray(matrix, np.float64)
    if pose.shape != (4, 4) or not io.is_rigid(pose):
        raise InputError("the matrix is no rigid motion: give (4, 4) with a rotation, a shift, and 0 0 0 1 below.")
    rotation, shift = pose[:3, :3], pose[:3, 3]
    low, high = _box(sdf)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    corners = corners @ rotation.T + shift
    center = rotation @ np.asarray(sdf.similarity.center) + shift
    similarity = Similarity((float(center[0]), float(center[1]), float(center[2])), sdf.similarity.scale)
    field = Transformed(sdf.field, rotation.T.tolist(), [0.0, 0.0, 0.0])
    provenance = {"method": "moved", "matrix": pose.tolist(), "parts": [sdf.provenance]}
    box = corners.min(0), corners.max(0)
    return replace(
        _made(field, similarity, np.zeros((0, 3)), sdf.spacing, box, provenance),
        points=sdf.points @ rotation.T + shift,
        colors=sdf.colors,
        attributes=sdf.attributes,
    )


def _made(
    field: nn.Module,
    similarity: Similarity,
    points: np.ndarray,
    spacing: float,
    box: tuple[np.ndarray, np.ndarray],
    provenance: dict[str, Any],
) -> SDF:
    """The field as an SDF; its points are the parts' own, moved onto its surface, where they reach it."""
    lower, upper = (similarity.apply(corner[None])[0] for corner in box)
    sdf = SDF(
        field.eval().requires_grad_(False), similarity, points, spacing,
        tuple(lower.tolist()), tuple(upper.tolist()), {**provenance, "bounds": [box[0].tolist(), box[1].tolist()]},
    )  # fmt: skip
    if not len(points):
        return sdf
    feet = sdf.project(points)
    near = np.abs(np.asarray(sdf(feet))) < spacing / 10
    return replace(sdf, points=feet[near])


def _placed(part: SDF, similarity: Similarity) -> nn.Module:
    """The field of `part` in the normalised space of `similarity`."""
    ratio = part.similarity.scale / similarity.scale
    shift = (np.asarray(similarity.center) - np.asarray(part.similarity.center)) * part.similarity.scale
    return Transformed(part.field, (ratio * np.eye(3)).tolist(), shift.tolist())


def _box(sdf: SDF) -> tuple[np.ndarray, np.ndarray]:
    """The box of extraction (3,), (3,) in the user's units."""
    return sdf.similarity.invert(np.asarray(sdf.lower)), sdf.similarity.invert(np.asarray(sdf.upper))


def _finite(value: float, name: str) -> float:
    if not np.isfinite(value):
        raise InputError(f"{name} {value} is no length: give a number.")
    return float(value)
