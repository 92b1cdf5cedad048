"""Fewer faces: quadric error decimation (Garland and Heckbert 1997) by the library fast-simplification."""

from __future__ import annotations

import numpy as np
import trimesh

from .check import check
from .repair import repair


def decimate(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """The mesh with about so many faces; closed where it was. A mesh that has no more comes back."""
    import fast_simplification

    if len(mesh.faces) <= faces:
        return mesh
    center, scale = mesh.bounds.mean(0), float(mesh.extents.max())
    vertices = (np.asarray(mesh.vertices, np.float64) - center) / scale
    small, triangles = fast_simplification.simplify(vertices, np.asarray(mesh.faces, np.int32), target_count=faces)
    fewer = trimesh.Trimesh(np.asarray(small, np.float64) * scale + center, triangles, process=False)
    if not check(mesh).problems and check(fewer).problems:
        fewer = repair(fewer)
    return fewer
