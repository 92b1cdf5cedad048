"""Fewer faces and points of a shape that is only looked at."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield.kdtree import KDTree, nearest
from isofield.points import select, vertex_colors, vertex_scalars
from isofield.surfaces.decimate import simplified
from isofield.types import Cloud

MOST_FACES, MOST_POINTS = 200_000, 500_000
"""More than this is reduced for display."""


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
