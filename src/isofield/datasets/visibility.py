"""Signs as DeepSDF's own preprocessing tells them: by what cameras all around see (Park et al. 2019, and its release).

What differs: a software rasteriser in the place of OpenGL, whose pixels see points in 64 bits; as many samples as asked
for, since others are drawn for those that are left out; and shapes beyond its limits are rejected, which the release
says but does not do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from isofield import render
from isofield.kdtree import nearest
from isofield.solids.morton import in_order
from isofield.types import Distance

VIEWS, PIXELS, AWAY = 100, 400, 1.1
"""Cameras, evenly on a sphere of this radius; pixels along each side of their pictures, which show -1 to 1."""
SLANTED = 1e-3
"""Pixels whose face is seen at a smaller cosine are left out."""
VOTES = 11
"""Nearest visible points, that all have to see a point on the same of their sides."""


@dataclass(frozen=True)
class Seen:
    """What the cameras see of triangles.

    points: (n, 3) at the centres of pixels. normal: (n,) which of `normals` each has, that toward the camera; normals:
    (2 m, 3) of the faces, as they are wound, and the other way round. both: share of the pixels that see a face from
    another side than who saw it first, or after that happened; bad: share of the faces with both sides seen.
    """

    points: np.ndarray
    normal: np.ndarray
    normals: np.ndarray
    both: float
    bad: float


def look(vertices: np.ndarray, faces: np.ndarray) -> Seen:
    """What cameras with parallel rays see of normalised triangles: faces (m, 3) over vertices (n, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    first = np.zeros(len(faces), np.int8)  # the side that each face was seen from first: 1 its front, -1 its back
    bad = np.zeros(len(faces), bool)
    points, normal, wrong, total = [], [], 0, 0
    for toward in render.all_around(VIEWS):
        camera = render.Orthographic(AWAY * toward, render.look(toward), 1.0, PIXELS, PIXELS)
        seen = render.rasterize(vertices, faces, camera)
        cosine = normals @ toward
        row, column = np.nonzero(seen.face >= 0)
        face = seen.face[row, column]
        clear = np.abs(cosine[face]) >= SLANTED
        row, column, face = row[clear], column[clear], face[clear]
        points.append(camera.unproject(row, column, seen.depth[row, column]))
        normal.append(np.where(cosine[face] > 0, face, face + len(faces)).astype(np.int32))
        pixels = np.bincount(face, minlength=len(faces))
        side = np.where(pixels > 0, np.sign(cosine), 0).astype(np.int8)
        bad |= side * first < 0
        first = np.where(first == 0, side, first)
        wrong, total = wrong + int(pixels[bad].sum()), total + len(face)
    return Seen(
        np.concatenate(points), np.concatenate(normal), np.concatenate([normals, -normals]), wrong / max(total, 1),
        float(bad.mean()),
    )  # fmt: skip


def distance_to_seen(seen: Seen, close: float) -> Distance:
    """The signed distance (n,) that visible points give to x (n, 3); NaN where their votes differ.

    |s| is the distance to the nearest visible point, and that to its plane where it is closer than `close` (the
    deviation of the widest band of samples, as in the release). x is outside where all of its `VOTES` nearest visible
    points see it on the side of their camera, inside where none does. What no camera sees is no surface.
    """
    tree = cKDTree(seen.points, leafsize=32, compact_nodes=False, balanced_tree=False)
    votes = min(VOTES, len(seen.points))

    def ask(x: np.ndarray) -> np.ndarray:
        away, which = nearest(tree, x, k=list(range(1, votes + 1)))  # (n, votes)
        rays = x[:, None] - seen.points[which]
        height = np.einsum("nkj,nkj->nk", rays, seen.normals[seen.normal[which]])
        before = (height > 0).sum(1)
        value = np.where(away[:, 0] < close, np.abs(height[:, 0]), away[:, 0])
        return np.where(before == votes, value, np.where(before == 0, -value, np.nan))

    return lambda x: in_order(ask, np.asarray(x, np.float64))
