"""Signs by visibility, as in DeepSDF's preprocessing (Park et al. 2019, and its release): what 100 cameras see.

Differences: pixels see points in 64 bits; other samples replace those without a certain sign, so that their number is
the requested one; and the release's limits for rejecting a shape are applied, which the release only states.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from isofield.kdtree import KDTree, in_order, nearest
from isofield.types import Distance

SLANTED = 1e-3
"""Pixels whose face is seen at a smaller cosine are left out."""
VOTES = 11
"""Number of nearest visible points that vote on a sign, unanimously."""


@dataclass(frozen=True)
class Picture:
    """What one camera with parallel rays sees. toward: (3,) unit vector to the camera. face: (n,) index of the face at
    each pixel that shows one. points: (n, 3) where its ray meets that face."""

    toward: np.ndarray
    face: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class Visible:
    """The visible part of a surface.

    points: (n, 3) at the centres of pixels. normal: (n,) index into `normals` of each point's normal, toward its
    camera; normals: (2 m, 3) of the faces as they are wound, and reversed. back_pixels: fraction of the pixels that
    show a face whose other side an earlier pixel showed. two_sided: fraction of the faces seen from both sides.
    """

    points: np.ndarray
    normal: np.ndarray
    normals: np.ndarray
    back_pixels: float
    two_sided: float


def visible(vertices: np.ndarray, faces: np.ndarray, pictures: Iterable[Picture]) -> Visible:
    """The visible part of triangles: faces (m, 3) over vertices (n, 3), by pictures of them."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    first = np.zeros(len(faces), np.int8)  # the side that each face was first seen from: 1 front, -1 back
    two_sided = np.zeros(len(faces), bool)
    points, normal, back, total = [], [], 0, 0
    for picture in pictures:
        cosine = normals @ picture.toward
        clear = np.abs(cosine[picture.face]) >= SLANTED
        face = picture.face[clear]
        points.append(picture.points[clear])
        normal.append(np.where(cosine[face] > 0, face, face + len(faces)).astype(np.int32))
        pixels = np.bincount(face, minlength=len(faces))
        side = np.where(pixels > 0, np.sign(cosine), 0).astype(np.int8)
        two_sided |= side * first < 0
        first = np.where(first == 0, side, first)
        back, total = back + int(pixels[two_sided].sum()), total + len(face)
    return Visible(
        np.concatenate(points), np.concatenate(normal), np.concatenate([normals, -normals]), back / max(total, 1),
        float(two_sided.mean()),
    )  # fmt: skip


def visibility_distance(surface: Visible, close: float) -> Distance:
    """The signed distance (n,) of points (n, 3) to the visible surface; NaN where its points disagree on the sign.

    |s| is the distance to the nearest visible point, or to its plane if that point is nearer than `close` (the standard
    deviation of the widest band of samples, as in the release). A point is outside if all of its `VOTES` nearest
    visible points have it in front of them, and inside if none has. Parts that no camera sees do not count.
    """
    tree = KDTree(surface.points)
    votes = min(VOTES, len(surface.points))

    def distance(x: np.ndarray) -> np.ndarray:
        away, which = nearest(tree, x, k=list(range(1, votes + 1)))  # (n, votes)
        rays = x[:, None] - surface.points[which]
        height = np.einsum("nkj,nkj->nk", rays, surface.normals[surface.normal[which]])
        in_front = (height > 0).sum(1)
        value = np.where(away[:, 0] < close, np.abs(height[:, 0]), away[:, 0])
        return np.where(in_front == votes, value, np.where(in_front == 0, -value, np.nan))

    return lambda x: in_order(distance, np.asarray(x, np.float64))
