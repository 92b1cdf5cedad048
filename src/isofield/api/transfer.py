"""Colours and other numbers of the observed points at the vertices of a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import trimesh

from isofield.kdtree import KDTree, nearest

if TYPE_CHECKING:
    from isofield.api.sdf import SDF

NEIGHBOURS = 4
"""A vertex gets the weighted mean colours and attributes of this many nearest points."""


def with_attributes(sdf: SDF, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh with the colours and attributes of the observed points, if there are any: means over the nearest points,
    weighted by 1 / distance^2."""
    if sdf.colors is None and not sdf.attributes:
        return mesh
    count, k = len(mesh.vertices), min(NEIGHBOURS, len(sdf.points))
    distance, index = nearest(KDTree(sdf.points), np.asarray(mesh.vertices), k=k)
    distance, index = distance.reshape(count, k), index.reshape(count, k)
    weight = 1 / (np.square(distance) + (1e-6 * sdf.spacing) ** 2)
    weight /= weight.sum(1, keepdims=True)
    colors = None
    if sdf.colors is not None:
        colors = np.round((weight[..., None] * sdf.colors[index]).sum(1)).astype(np.uint8)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False, vertex_colors=colors)
    for name, values in sdf.attributes.items():
        mesh.vertex_attributes[name] = (weight * values[index]).sum(1).astype(np.float32)
    return mesh
