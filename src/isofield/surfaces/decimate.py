"""Quadric error decimation (Garland and Heckbert 1997) by the library fast-simplification; what is shown of
large shapes."""

from __future__ import annotations

import fast_simplification
import numpy as np
import trimesh

from isofield.kdtree import KDTree, nearest
from isofield.points import select, vertex_colors, vertex_scalars
from isofield.surfaces.check import check
from isofield.surfaces.repair import repair
from isofield.types import Cloud

CAREFUL = 1
"""How fast the permitted error grows in a run; the library's default is 7."""
MOST_FACES, MOST_POINTS = 200_000, 500_000
"""Shapes with more than this are reduced for display."""


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


def reduced(
    shape: trimesh.Trimesh | Cloud, faces: int = MOST_FACES, points: int = MOST_POINTS
) -> tuple[trimesh.Trimesh | Cloud, str]:
    """A shape with at most about `faces` faces or `points` points for display, and a sentence, "" where it is whole.

    Meshes are decimated by quadric errors and keep their colours and scalars, each vertex those of the nearest one
    before; of a cloud a random sample is taken. Points and faces that are not finite are left out.
    """
    if isinstance(shape, Cloud):
        good = np.isfinite(shape.points).all(1)
        kept = np.flatnonzero(good)
        if len(kept) > points:
            kept = np.sort(np.random.default_rng(0).choice(kept, points, replace=False))
        if len(kept) == len(shape.points):
            return shape, ""
        chosen = np.zeros(len(shape.points), bool)
        chosen[kept] = True
        return select(shape, chosen), f"{len(kept):,} of {len(shape.points):,} points are shown.".replace(",", " ")
    good = np.isfinite(np.asarray(shape.vertices)).all(1)
    if not good.all():
        shape = shape.copy()
        shape.update_faces(good[shape.faces].all(1))
        shape.remove_unreferenced_vertices()
    if len(shape.faces) <= faces:
        return shape, ""
    fewer = simplified(shape, faces)
    counts = f"{len(fewer.faces):,} of {len(shape.faces):,} faces are shown.".replace(",", " ")
    colors, scalars = vertex_colors(shape), vertex_scalars(shape)
    if colors is not None or scalars:
        before = nearest(KDTree(np.asarray(shape.vertices)), np.asarray(fewer.vertices))[1]
        fewer = trimesh.Trimesh(
            fewer.vertices, fewer.faces, process=False, vertex_colors=None if colors is None else colors[before]
        )
        fewer.vertex_attributes.update({name: values[before] for name, values in scalars.items()})
    return fewer, counts
