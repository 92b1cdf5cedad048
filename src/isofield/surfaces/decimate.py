"""Quadric error decimation (Garland and Heckbert 1997) by the library fast-simplification."""

from __future__ import annotations

import fast_simplification
import numpy as np
import trimesh

from isofield.surfaces.check import check
from isofield.surfaces.repair import repair


def decimate(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """The mesh reduced to about `faces` faces; a closed mesh stays closed, a smaller mesh is returned as it is."""
    if len(mesh.faces) <= faces:
        return mesh
    center, scale = mesh.bounds.mean(0), float(mesh.extents.max())
    vertices = (np.asarray(mesh.vertices, np.float64) - center) / scale
    small, triangles, before = vertices, np.asarray(mesh.faces, np.int32), np.inf
    while faces < len(triangles) < before:  # on flat parts it ends early, with faces that another run collapses
        before = len(triangles)
        small, triangles = fast_simplification.simplify(small, triangles, target_count=faces)
    fewer = trimesh.Trimesh(np.asarray(small, np.float64) * scale + center, triangles, process=False)
    if not check(mesh).problems and check(fewer).problems:
        fewer = repair(fewer)
    return fewer
