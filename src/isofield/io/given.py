"""What a Python caller gives as a shape: a file, a mesh, a cloud, or an array of points."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import trimesh

from isofield.errors import InputError, with_article
from isofield.io.reading import read, unit_normals
from isofield.types import Cloud


def shape_of(source: Any) -> tuple[str, Cloud | trimesh.Trimesh]:
    """The name and the mesh or cloud of a file, a mesh, a scene, a cloud, points (n, 3), or points and normals (n, 6).

    Normals get unit length; where some are zero or not finite, all are left out with a warning. Raises InputError for
    anything else, for an array of another shape or of what are not real numbers, and as `read` does for a file. The
    shape itself is not checked.
    """
    if isinstance(source, (str, os.PathLike)):
        return str(source), read(source)
    if isinstance(source, trimesh.Trimesh):
        return "Trimesh", source
    if isinstance(source, Cloud):
        usable = source.normals is None or np.shape(source.normals) == np.shape(source.points)
        return "Cloud", replace(source, normals=unit_normals(source.normals)) if usable else source
    if isinstance(source, trimesh.Scene):
        return "Scene", source.to_mesh()
    if isinstance(source, trimesh.PointCloud):
        return "PointCloud", Cloud(np.asarray(source.vertices, np.float64))
    if not isinstance(source, (np.ndarray, list, tuple)) and not hasattr(source, "__array__"):
        what = "None" if source is None else with_article(type(source).__name__)
        raise InputError(f"{what} is not a shape: give a file, a Trimesh, a Cloud or an array.")
    table = _table(source)
    if table.ndim != 2 or table.shape[1] not in (3, 6):
        raise InputError(f"the array has the shape {table.shape}: give points (n, 3), or points and normals (n, 6).")
    return "array", Cloud(table[:, :3], unit_normals(table[:, 3:]) if table.shape[1] == 6 else None)


def _table(source: Any) -> np.ndarray:
    """An array of float64. Raises InputError for rows of several lengths, and for what are not real numbers."""
    if hasattr(source, "detach"):  # a tensor, which may require a gradient or lie on another device
        source = source.detach().cpu()
    try:
        table = np.asarray(source)
    except ValueError:
        raise InputError("the rows of the array have several lengths: give points (n, 3).") from None
    if table.dtype.kind not in "iuf":
        raise InputError(f"the array has values of type {table.dtype}: give real numbers.")
    return table.astype(np.float64)
