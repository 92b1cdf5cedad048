"""Components of a surface that no input point supports: what a field invents where nothing was measured."""

from __future__ import annotations

import numpy as np
import trimesh

from isofield import topology
from isofield.solids.triangles import closest_on

from .edge_collapse import compact

POINTS = 20
"""Points that a component needs, of a cloud of `CLOUD` points or more; fewer of smaller clouds, by the square root."""
CLOUD = 30_000
LEAST = 3
DENSITY = 0.2
"""Points per area that a component needs, of the mean over the whole surface."""
FEW = 5.0
"""A component of fewer than so many times the points that it needs must also be thicker than noise and gaps make."""
LARGE = 0.02
"""Share of the largest component's volume that others need, where there are no points."""
REACH = 4.0
"""A point supports what lies within this many spacings of it, or within this many median distances if that is more."""


def keep_observed(mesh: trimesh.Trimesh, points: np.ndarray, spacing: float) -> tuple[trimesh.Trimesh, int]:
    """The components of a mesh that the input points support, and how many were dropped.

    points: (n, 3) in the mesh's units; spacing: usual distance between neighbouring points. A component stays if at
    least 20 points lie nearest to it (fewer for small clouds) and there are more than 0.2 of the usual points on its
    area, as the mean over the surface has it. One with fewer than five times those 20 must also be thicker than twice
    the points' median distance from the surface or, if it is a cavity, than the points are apart. The best supported
    one always stays. Walls of cavities go by the same rule, and when what surrounds them goes.
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
    # The usual density is the supported surface's: empty blobs, however large, must not lower what they are held to.
    usual = support[enough].sum() / max(area[enough].sum(), 1e-300)
    keep = enough & (support > DENSITY * usual * area)
    volume = topology.volumes(vertices, faces, part)
    thickness = 2 * np.abs(volume) / np.maximum(area, 1e-300)
    apart = 1 / np.sqrt(max(usual, 1e-300))
    keep &= (support >= FEW * need) | (thickness > np.where(volume < 0, apart, 2 * np.median(distance)))
    keep[support.argmax()] = True
    keep = _housed(vertices, faces, part, keep)
    if keep.all():
        return mesh, 0
    vertices, faces = compact(vertices, faces[keep[part]])
    return trimesh.Trimesh(vertices, faces, process=False), int((~keep).sum())


def keep_large(mesh: trimesh.Trimesh, share: float = LARGE) -> tuple[trimesh.Trimesh, int]:
    """The components of a mesh that have at least a share of the largest one's volume, with their cavities of that
    size, and how many were dropped: what a field has without any points to say where."""
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not len(faces):
        return mesh, 0
    part = topology.parts(faces)
    volume = np.abs(topology.volumes(vertices, faces, part))
    keep = _housed(vertices, faces, part, volume >= share * volume.max())
    if keep.all():
        return mesh, 0
    vertices, faces = compact(vertices, faces[keep[part]])
    return trimesh.Trimesh(vertices, faces, process=False), int((~keep).sum())


def _housed(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """(p,) `keep` less the cavities that lie in no outward component that stays."""
    volume = topology.volumes(vertices, faces, part)
    lower, upper = topology.boxes(vertices, faces, part)
    kept = np.flatnonzero(keep)
    if not (volume[kept] > 0).any():
        return keep
    result = keep.copy()
    result[kept[topology.misplaced(volume[kept], lower[kept], upper[kept])]] = False
    return result
