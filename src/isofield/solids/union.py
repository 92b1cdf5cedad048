"""The union of parts that overlap or touch, or cross themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isofield.solids.arrangement import outermost, overlapping
from isofield.solids.slivers import without_slivers
from isofield.solids.solid_parts import Solids, bodies, sort
from isofield.topology import cancelled, edges_of

GROWN = 0.0005
"""The box of each part grows by this fraction of the diagonal on every side: walls between parts that only touch would
remain in their union."""
LEAST, ROUNDS = 0.1, 30
"""Every face of a part moves outward by at least this fraction of that; the number of rounds of projections."""
FLAT = 1e-3
"""A box is flat along an axis if half its side is shorter than this fraction of the growth."""


def outer(solids: Solids, grown: float = GROWN) -> tuple[Solids, int]:
    """The union of the solid parts (by manifold3d, exact up to their growth), and the number of parts that are not
    closed, which stay as they are. grown: by how much the box of each part grows, as a fraction of the diagonal."""
    from manifold3d import Error, Manifold, Mesh64, OpType

    reach = grown * float(np.linalg.norm(np.ptp(solids.vertices[solids.solid].reshape(-1, 3), axis=0)))
    closed, kept = [], []
    order = np.argsort(solids.part, kind="stable")
    for faces in np.split(solids.solid[order], np.flatnonzero(np.diff(solids.part[order])) + 1):
        used, local = np.unique(faces, return_inverse=True)
        local = local.reshape(-1, 3)
        vertices = _grown(solids.vertices[used], local, reach) if grown else solids.vertices[used]
        solid = Manifold(Mesh64(vertices, local.astype(np.uint64)))
        if solid.status() == Error.NoError and not solid.is_empty():
            closed.append(solid)
        else:
            kept.append(faces)
    if not closed:
        return solids, len(kept)
    arrays = Manifold.batch_boolean(closed, OpType.Add).to_mesh64()
    count = len(solids.vertices)
    vertices = np.concatenate([solids.vertices, np.asarray(arrays.vert_properties[:, :3], np.float64)])
    together = np.concatenate([np.asarray(arrays.tri_verts, np.int64) + count, *kept])
    union = sort(vertices, together)
    sheet = np.concatenate([union.sheet, _renumbered(solids, union)])
    return replace(union, sheet=sheet, parts=solids.parts, dropped=solids.dropped, turned=solids.turned), len(kept)


def uncrossed(solids: Solids) -> Solids:
    """The solids without the walls inside parts that cross themselves or others, where all are closed and rounding
    errors permit (see `arrangement`)."""
    faces = solids.solid
    if not len(faces) or edges_of(faces).balance().any() or not overlapping(solids.vertices, faces):
        return solids
    made = outermost(solids.vertices, cancelled(faces))
    if made is None or not len(made[1]):
        return solids
    vertices, faces = without_slivers(*made)
    union = replace(solids, vertices=vertices, solid=faces, part=bodies(vertices, faces))
    return replace(union, sheet=_renumbered(solids, union))


def _grown(vertices: np.ndarray, faces: np.ndarray, reach: float) -> np.ndarray:
    """Vertices (n, 3) of a part, moved so that its box grows by `reach` on every side: along each axis in proportion to
    their position in the box, which keeps faces flat, convex parts convex, and needles free of spikes.

    Some faces of a slanted slab, or of the inner wall of a ring, would move inward. If a face would move outward by
    less than `LEAST` of the reach, its vertices are pushed along its normal by the missing distance, averaged over such
    faces (projections onto half spaces, Cimmino 1938), so that parts that touch there overlap too.
    """
    low, high = vertices.min(0), vertices.max(0)
    half = (high - low) / 2
    move = np.where(half > FLAT * reach, (vertices - low - half) / np.maximum(half, 1e-300), 0)  # in reaches
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal = np.repeat(normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None], 3, axis=0)  # (3 m, 3)
    corner = faces.reshape(-1)
    for _ in range(ROUNDS):
        missing = np.maximum(LEAST - np.einsum("ij,ij->i", move[corner], normal), 0)
        if missing.max(initial=0) < LEAST / 100:
            break
        number = np.maximum(np.bincount(corner, missing > 0, len(move)), 1)
        move += np.stack([np.bincount(corner, missing * normal[:, k], len(move)) / number for k in range(3)], axis=1)
    return vertices + reach * move


def _renumbered(solids: Solids, union: Solids) -> np.ndarray:
    """The faces of the sheets, over the vertices of the union."""
    if not len(solids.sheet):
        return solids.sheet
    from scipy.spatial import cKDTree

    return cKDTree(union.vertices).query(solids.vertices)[1][solids.sheet].astype(np.int64)
