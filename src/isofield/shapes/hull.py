"""The outer hull of parts that overlap or touch: their union."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isofield.shapes.solids import Solids, sort

GROWN = 0.0005
"""Each part grows by this share of the whole's diagonal: walls between parts that only touch would stay."""
SLACK, FARTHEST = 1e-4, 4.0
"""How little a direction may be known by a vertex's faces, and how many times that growth a vertex moves at most."""


def outer(solids: Solids) -> tuple[Solids, int]:
    """The union of the solid parts (by manifold3d, exact up to their growth), and how many parts could not take part
    because they are not closed; those stay as they are.

    """
    from manifold3d import Error, Manifold, Mesh64, OpType

    reach = GROWN * float(np.linalg.norm(np.ptp(solids.vertices[solids.solid].reshape(-1, 3), axis=0)))
    closed, kept = [], []
    for part in np.unique(solids.part):
        faces = solids.solid[solids.part == part]
        used, local = np.unique(faces, return_inverse=True)
        local = local.reshape(-1, 3)
        vertices = _grown(solids.vertices[used], local, reach)
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


def _grown(vertices: np.ndarray, faces: np.ndarray, reach: float) -> np.ndarray:
    """Vertices moved so that the planes of their faces move outward by `reach`: the least squares of n . move = reach
    over a vertex's faces, weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(area, 1e-300)[:, None]
    weight = area / max(area.mean(), 1e-300) + 1e-3
    matrix, right = np.zeros((len(vertices), 3, 3)), np.zeros((len(vertices), 3))
    for k in range(3):
        np.add.at(matrix, faces[:, k], weight[:, None, None] * normal[:, :, None] * normal[:, None, :])
        np.add.at(right, faces[:, k], weight[:, None] * normal)
    matrix += SLACK * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    move = reach * np.linalg.solve(matrix, right[..., None])[..., 0]
    size = np.linalg.norm(move, axis=1, keepdims=True)
    return vertices + move * np.minimum(1, FARTHEST * reach / np.maximum(size, 1e-300))


def _renumbered(solids: Solids, union: Solids) -> np.ndarray:
    """The sheets' faces, over the vertices of the union."""
    if not len(solids.sheet):
        return solids.sheet
    from scipy.spatial import cKDTree

    return cKDTree(union.vertices).query(solids.vertices)[1][solids.sheet].astype(np.int64)
