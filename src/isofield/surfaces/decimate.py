"""Quadric error decimation (Garland and Heckbert 1997) by the library fast-simplification."""

from __future__ import annotations

import fast_simplification
import numpy as np
import trimesh

from isofield.surfaces.check import check
from isofield.surfaces.repair import repair

CAREFUL = 1
"""How fast the error that a run permits grows; the library's own is 7."""


def decimate(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """The mesh reduced to about `faces` faces; a closed mesh stays closed, a smaller mesh is returned as it is."""
    fewer = simplified(mesh, faces)
    if fewer is not mesh and not check(mesh).problems and check(fewer).problems:
        fewer = repair(fewer)
    return fewer


def simplified(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """As `decimate`, in a third of the time, for display: it may leave a closed mesh with defects."""
    if len(mesh.faces) <= faces:
        return mesh
    center, scale = mesh.bounds.mean(0), float(mesh.extents.max())
    vertices = (np.asarray(mesh.vertices, np.float64) - center) / scale
    given = np.asarray(mesh.faces, np.int32)
    small, triangles = fast_simplification.simplify(vertices, given, target_count=faces)
    if len(triangles) > faces:  # it ends early on flat faces: several careful runs keep edges and corners
        small, triangles, before = vertices, given, np.inf
        while faces < len(triangles) < before:
            before = len(triangles)
            small, triangles = fast_simplification.simplify(small, triangles, target_count=faces, agg=CAREFUL)
    return trimesh.Trimesh(np.asarray(small, np.float64) * scale + center, triangles, process=False)
