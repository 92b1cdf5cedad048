"""Removal of components: those that no input point supports, artefacts of a field where nothing was measured, and all
but the largest."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield import topology
from isofield.solids.slivers import compact
from isofield.solids.triangles import closest_on
from isofield.stopwatch import stage

POINTS = 20
"""Points that support a component, in a cloud of `CLOUD` points or more; for smaller clouds times sqrt(n / CLOUD)."""
CLOUD = 30_000
LEAST = 3
DENSITY = 0.2
"""Points per area that support a component, relative to the mean over the supported surface."""
FEW = 5.0
"""A component with fewer than this many times the required points must also be thicker than noise and spacing."""
LARGE = 0.02
"""Fraction of the largest component's volume that others need where there are no points."""
REACH = 4.0
"""A point supports a surface within this many spacings, or this many median distances of the points, if larger."""


@stage("checking")
def keep_observed(
    mesh: trimesh.Trimesh, points: np.ndarray, spacing: float, room: bool = False
) -> tuple[trimesh.Trimesh, int]:
    """The components of a mesh that the input points support, and how many were dropped.

    points: (n, 3) in the mesh's units; spacing: median distance of neighbouring points. A component is kept if it is
    the closest one to at least 20 points (fewer for small clouds), and their density on it exceeds 0.2 of the mean.
    With fewer than five times those 20, it must also be thicker than twice the points' median distance from the surface
    or, if it is a cavity, than the spacing on the surface. The best supported component is always kept. A cavity is
    dropped by the same rule, and together with the component around it, unless this may be a room, whose walls were
    measured from the inside alone: the density of such scans changes, and what no point is near is cut away later.
    """
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not len(faces):
        return mesh, 0
    part = topology.parts(faces)
    count = int(part.max()) + 1
    if count == 1 or not len(points):
        return mesh, 0
    distance, nearest, _ = closest_on(vertices, faces)(points)
    close = distance <= REACH * max(spacing, float(np.median(distance)))
    support = np.bincount(part[nearest[close]], minlength=count)
    area = np.bincount(part, topology.areas(vertices, faces), count)
    need = np.clip(POINTS * np.sqrt(len(points) / CLOUD), LEAST, POINTS)
    enough = support >= need
    # The mean density is that of the supported surface, so that large unsupported blobs do not lower it.
    density = support[enough].sum() / max(area[enough].sum(), 1e-300)
    keep = enough & ((support > DENSITY * density * area) | room)
    volume = topology.volumes(vertices, faces, part)
    thickness = 2 * np.abs(volume) / np.maximum(area, 1e-300)
    gap = 1 / np.sqrt(max(density, 1e-300))
    keep &= (support >= FEW * need) | (thickness > np.where(volume < 0, gap, 2 * np.median(distance)))
    keep[support.argmax()] = True
    keep = keep if room else _without_loose_cavities(vertices, faces, part, keep)
    if keep.all():
        return mesh, 0
    vertices, faces = compact(vertices, faces[keep[part]])
    return trimesh.Trimesh(vertices, faces, process=False), int((~keep).sum())


def keep_large(mesh: trimesh.Trimesh) -> tuple[trimesh.Trimesh, int]:
    """The components and cavities of a mesh with at least the fraction `LARGE` of the largest one's volume, and how
    many were dropped; for fields without observed points."""
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not len(faces):
        return mesh, 0
    part = topology.parts(faces)
    volume = np.abs(topology.volumes(vertices, faces, part))
    keep = _without_loose_cavities(vertices, faces, part, volume >= LARGE * volume.max())
    if keep.all():
        return mesh, 0
    vertices, faces = compact(vertices, faces[keep[part]])
    return trimesh.Trimesh(vertices, faces, process=False), int((~keep).sum())


def keep_largest(mesh: trimesh.Trimesh) -> tuple[trimesh.Trimesh, int]:
    """The component of a mesh with the largest area, with its cavities, and how many components were dropped."""
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    part = topology.parts(faces)
    best = int(np.bincount(part, topology.areas(vertices, faces)).argmax())
    volume = topology.volumes(vertices, faces, part)
    lower, upper = topology.boxes(vertices, faces, part)
    within = (lower >= lower[best]).all(1) & (upper <= upper[best]).all(1)
    keep = (volume[best] > 0) & (volume < 0) & within
    keep[best] = True
    if keep.all():
        return mesh, 0
    vertices, faces = compact(vertices, faces[keep[part]])
    return trimesh.Trimesh(vertices, faces, process=False), int((~keep).sum())


def _without_loose_cavities(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """`keep` (p,) without the cavities that lie in no outward component that is kept."""
    volume = topology.volumes(vertices, faces, part)
    lower, upper = topology.boxes(vertices, faces, part)
    kept = np.flatnonzero(keep)
    if not (volume[kept] > 0).any():
        return keep
    result = keep.copy()
    result[kept[topology.misplaced(volume[kept], lower[kept], upper[kept])]] = False
    return result
