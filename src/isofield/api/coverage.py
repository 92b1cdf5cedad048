"""Meshes that end where the observed points end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api.field import UNSIGNED
from isofield.errors import InputError
from isofield.kdtree import KDTree, nearest
from isofield.points import relative_gap
from isofield.solids.slivers import compact
from isofield.solids.triangles import closest_on

if TYPE_CHECKING:
    from isofield.api.sdf import SDF

EDGE = 0.3
"""An open mesh ends at this fraction of the reach. 6 % of a surface is farther from points that are
scattered over it at random, in holes that are closed."""
HOLES = 5.0
"""By default holes up to this many local spacings stay closed."""

FAR = 6.0
"""An open mesh has no faces farther from all points than this many of the largest local spacings; they do not close a
hole of the default size either."""


def without_far_faces(
    sdf: SDF, mesh: trimesh.Trimesh, close_holes: float | None, level: float = 0.0
) -> trimesh.Trimesh:
    """The mesh without what `open_mesh` cuts away in any case; arguments as there, the mesh in normalised units."""
    faces, vertices = np.asarray(mesh.faces), sdf.similarity.invert(np.asarray(mesh.vertices))
    edge = float(np.median(np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1)))
    limit = max(FAR * max(float(sdf.local_spacing.max()), edge), close_holes or 0.0) + abs(level)
    near = (nearest(KDTree(sdf.points), vertices)[0] <= limit)[faces].any(1)
    if near.all() or not near.any():
        return mesh
    return trimesh.Trimesh(*compact(np.asarray(mesh.vertices), faces[near]), process=False)


def open_mesh(sdf: SDF, mesh: trimesh.Trimesh, close_holes: float | None, level: float = 0.0) -> trimesh.Trimesh:
    """The part of the field's mesh that the observed points support; see `surfaces.opened`.

    A vertex is supported by points that lie on its side of the surface: the back of a sheet is not. close_holes: size
    up to which holes stay closed (user's units), by default 5 local spacings. level: distance of the mesh from the
    field's surface. Raises InputError where nothing is left.
    """
    gap, spacing = gaps_of(sdf, mesh, level)
    limit = EDGE * sdf.reach
    close = np.full(len(gap), close_holes) if close_holes is not None else HOLES * spacing
    return _opened(
        mesh, gap, limit, limit * spacing, close, "no part of the surface is near the points: take --surface closed"
    )


def trimmed(sdf: SDF, mesh: trimesh.Trimesh, trim: float) -> trimesh.Trimesh:
    """The part of the mesh within the distance `trim` (user's units) of the observed points, with a smooth border.

    Raises InputError where nothing is left.
    """
    gap = nearest(KDTree(sdf.points), np.asarray(mesh.vertices))[0]
    return _opened(
        mesh, gap, trim, np.full(len(gap), trim), np.zeros(len(gap)),
        f"trim {trim:g} leaves nothing: the median distance of the mesh's vertices to the points is "
        f"{float(np.median(gap)):.3g}; give more",
    )  # fmt: skip


def _opened(
    mesh: trimesh.Trimesh, gap: np.ndarray, limit: float, reach: np.ndarray, close: np.ndarray, empty: str
) -> trimesh.Trimesh:
    """`surfaces.opened` for a mesh; empty: the sentence of the InputError where nothing is left."""
    vertices, faces = surfaces.opened(np.asarray(mesh.vertices), np.asarray(mesh.faces), gap, limit, reach, close)
    if not len(faces):
        raise InputError(f"{empty}.")
    return trimesh.Trimesh(vertices, faces, process=False)


def gaps_of(sdf: SDF, mesh: trimesh.Trimesh, level: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """For each vertex (v,) the least distance to an observed point on its side of the surface, in the point's local
    spacings, and that spacing (v,) in the user's units.

    A spacing counts as at least the median edge of the mesh: a coarser surface passes the points at that distance. An
    unsigned field has no sides.
    """
    vertices = np.asarray(mesh.vertices, np.float64)
    center, size = vertices.mean(0), float(np.ptp(vertices, axis=0).max()) or 1.0
    faces = np.ascontiguousarray(mesh.faces, np.int64)
    closest = closest_on((vertices - center) / size, faces)((sdf.points - center) / size)[1]
    facing = np.asarray(mesh.vertex_normals), np.asarray(mesh.face_normals)[closest]
    spacing = np.maximum(sdf.local_spacing, float(np.median(mesh.edges_unique_length)))
    gap, who = relative_gap(
        vertices, sdf.points, spacing + abs(level), sdf.reach, None if sdf.kind == UNSIGNED else facing
    )
    return gap, spacing[who]
