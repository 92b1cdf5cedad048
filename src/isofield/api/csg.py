"""Fields made of fields: unions, intersections, differences, offsets, shells and rigid motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isofield import io
from isofield.api.field import box
from isofield.api.projection import project
from isofield.errors import InputError
from isofield.points import subsample
from isofield.types import CORNERS, Similarity, normalization, triple

if TYPE_CHECKING:
    from torch import nn

    from isofield.api.sdf import SDF
    from isofield.fields.csg import Operation


def combined(operation: Operation, *parts: SDF) -> SDF:
    """The union or intersection of several fields, or the first minus the others.

    Exact on the surface; a bound of the distance elsewhere. Raises InputError for fewer than two fields, for anything
    else than fields, and for an intersection of shapes that are apart.
    """
    from isofield.fields.csg import Csg

    if len(parts) < 2:
        raise InputError(f"{operation} takes at least two fields: give more.")
    if not all(isinstance(part, type(parts[0])) for part in parts):
        raise InputError(f"{operation} takes fields only: give what isofield.fit or isofield.load returned.")
    boxes = np.array([box(part) for part in parts])  # (k, 2, 3)
    low, high = boxes[0]
    if operation == "union":
        low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
    elif operation == "intersection":
        low, high = boxes[:, 0].max(0), boxes[:, 1].min(0)
    if not (low < high).all():
        raise InputError("the fields' boxes do not overlap, so their intersection is empty: give shapes that overlap.")
    similarity = normalization(np.array([low, high]))
    field = Csg(operation, [_in_frame(part, similarity) for part in parts])
    subsets = [subsample(part.points, part.spacing) for part in parts]
    points, spacing = np.concatenate([points for points, _ in subsets]), max(spacing for _, spacing in subsets)
    provenance = {"method": operation, "parts": [part.provenance for part in parts]}
    is_open = any(part.open for part in parts)
    first = replace(parts[0], similarity=similarity, spacing=spacing, open=is_open)
    return _projected(_derived(first, field, points, (low, high), provenance))


def offset(sdf: SDF, distance: float) -> SDF:
    """The set of points closer to the shape than `distance` (user's units): positive grows it, negative shrinks it."""
    from isofield.fields.csg import Offset

    low, high = box(sdf)
    room = max(_finite(distance, "distance"), 0.0)
    field = Offset(sdf.module, distance * sdf.similarity.scale)
    provenance = {"method": "offset", "distance": distance, "parts": [sdf.provenance]}
    points, spacing = subsample(sdf.points, sdf.spacing)
    return _projected(
        _derived(replace(sdf, spacing=spacing), field, points, (low - room, high + room), provenance)
    )  # fmt: skip


def shell(sdf: SDF, thickness: float) -> SDF:
    """A wall of `thickness` (user's units) centred on the shape's surface. Raises InputError for 0 or less."""
    from isofield.fields.csg import Offset

    if not _finite(thickness, "thickness") > 0:
        raise InputError(f"thickness {thickness} is not a wall: give a number greater than 0.")
    low, high = box(sdf)
    half = thickness / 2
    field = Offset(sdf.module, half * sdf.similarity.scale, -half * sdf.similarity.scale)
    provenance = {"method": "shell", "thickness": thickness, "parts": [sdf.provenance]}
    points, spacing = subsample(sdf.points, sdf.spacing)
    gradient = np.asarray(sdf.gradient(points))
    shift = half * gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)
    points = np.concatenate([points + shift, points - shift])  # one on either surface of the wall
    return _projected(
        _derived(replace(sdf, spacing=spacing), field, points, (low - half, high + half), provenance)
    )  # fmt: skip


def moved(sdf: SDF, matrix: np.ndarray | Sequence[Sequence[float]]) -> SDF:
    """The shape after a rigid motion, matrix (4, 4): x' = R x + t. Raises InputError for another matrix."""
    from isofield.fields.csg import Transformed

    pose = np.asarray(matrix, np.float64)
    if pose.shape != (4, 4) or not io.is_rigid(pose):
        raise InputError("the matrix is not a rigid motion: give (4, 4) with a rotation, a shift, and 0 0 0 1 below.")
    rotation, shift = pose[:3, :3], pose[:3, 3]
    corners = np.where(CORNERS == 1, *box(sdf)[::-1]) @ rotation.T + shift
    center = rotation @ np.asarray(sdf.similarity.center) + shift
    field = Transformed(sdf.module, rotation.T.tolist(), [0.0, 0.0, 0.0])
    provenance = {"method": "moved", "matrix": pose.tolist(), "parts": [sdf.provenance]}
    there = replace(sdf, similarity=Similarity(triple(center), sdf.similarity.scale))
    there = _derived(there, field, sdf.points @ rotation.T + shift, (corners.min(0), corners.max(0)), provenance)
    return replace(there, colors=sdf.colors, attributes=sdf.attributes)


def _derived(
    sdf: SDF, field: nn.Module, points: np.ndarray, corners: tuple[np.ndarray, np.ndarray], provenance: dict[str, Any]
) -> SDF:
    """Another field in the frame of `sdf`; corners: of its box, in the user's units."""
    lower, upper = (triple(sdf.similarity.apply(corner)) for corner in corners)
    return replace(
        sdf, field=field.eval().requires_grad_(False), points=points, lower=lower, upper=upper, colors=None,
        attributes={}, interrupted=False, left_out=None,
        provenance={**provenance, "bounds": [one.tolist() for one in corners]},
    )  # fmt: skip


def _projected(sdf: SDF) -> SDF:
    """The field with its points projected onto its surface; those that do not reach it are dropped."""
    if not len(sdf.points):
        return sdf
    feet = project(sdf, sdf.points)
    return replace(sdf, points=feet[np.abs(np.asarray(sdf(feet))) < sdf.spacing / 10])


def _in_frame(part: SDF, similarity: Similarity) -> nn.Module:
    """The module of `part` in the normalised space of `similarity`."""
    from isofield.fields.csg import Transformed

    ratio = part.similarity.scale / similarity.scale
    shift = (np.asarray(similarity.center) - np.asarray(part.similarity.center)) * part.similarity.scale
    return Transformed(part.module, (ratio * np.eye(3)).tolist(), shift.tolist())


def _finite(value: float, name: str) -> float:
    if not np.isfinite(value):
        raise InputError(f"{name} {value} is not a length: give a finite number.")
    return float(value)
