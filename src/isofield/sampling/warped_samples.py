"""Unsigned samples of copies of a shape: further shapes for a space that has few.

A warped copy is the image of the surface under

    w(x) = c + R diag(exp t) (x - c) + d(x),

about the middle c of the shape: R is a small rotation, t a stretch of each axis, and d a displacement with normal
values at control points, cubic in between. All lengths are relative to the radius of the shape. A random copy is only
mirrored, turned and scaled, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation

from isofield.configs import Augmentation
from isofield.kdtree import KDTree, nearest

CONTROLS = 5
"""Control points of the displacement along each axis of the shape's cube."""
TURN, STRETCH = 0.08, 0.05
"""Deviations of the rotation about each axis (radians), and of the logarithm of each axis's stretch."""
CLOSE = 0.05
"""Nearer to the surface than this, normalised, the closest point of a sample is the image of its closest point; farther
away it is found anew among all images."""
POINTS, DIRECTIONS, LENGTHS = ("query", "points"), ("direction", "normals"), ("distance",)
"""Names of what moves with the shape, of what only turns with it, and of what only grows with it."""


@dataclass(frozen=True, eq=False)
class Warp:
    """A smooth map of space. middle: (3,). radius: of the shape. matrix: (3, 3). controls: (c, c, c, 3)."""

    middle: np.ndarray
    radius: float
    matrix: np.ndarray
    controls: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Points (n, 3) to their images (n, 3)."""
        a, b, c = self._weights(x)
        return np.asarray((x - self.middle) @ self.matrix.T + self.middle + self._sum(a, b, c))

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """The derivatives (n, 3, 3) at points (n, 3): entry (i, j) is of coordinate i by coordinate j."""
        weights, slopes = self._weights(x), self._weights(x, 1)
        parts = [self._sum(*(slopes[k] if k == axis else weights[k] for k in range(3))) for axis in range(3)]
        return np.asarray(self.matrix + np.stack(parts, -1))

    def _weights(self, x: np.ndarray, derivative: int = 0) -> list[np.ndarray]:
        """Weights (n, c) of the control points, along each axis."""
        spline = make_interp_spline(np.linspace(-1, 1, len(self.controls)), np.eye(len(self.controls)), k=3)
        at = (x - self.middle) / self.radius
        inside = np.clip(at, -1, 1)  # beyond the cube the displacement is that of its border
        parts = [spline(inside[:, k], nu=derivative) / self.radius**derivative for k in range(3)]
        if derivative:
            parts = [part * (at[:, k] == inside[:, k])[:, None] for k, part in enumerate(parts)]
        return parts

    def _sum(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        rows = np.einsum("nc,abck->nabk", c, self.controls, optimize=True)
        return np.asarray(np.einsum("na,nb,nabk->nk", a, b, rows, optimize=True))


def random_warp(points: np.ndarray, displacement: float, random: np.random.Generator) -> Warp:
    """A warp of a shape with these points (n, 3). displacement: its deviation at the control points, as a fraction of
    the shape's radius."""
    low, high = points.min(0), points.max(0)
    radius = float(np.linalg.norm(high - low) / 2)
    turn = Rotation.from_rotvec(TURN * random.standard_normal(3)).as_matrix()
    matrix = turn * np.exp(STRETCH * random.standard_normal(3))
    controls = displacement * radius * random.standard_normal((CONTROLS,) * 3 + (3,))
    return Warp((low + high) / 2, radius, matrix, controls)


def warped(rows: Mapping[str, np.ndarray], warp: Warp) -> dict[str, np.ndarray]:
    """The unsigned (n, 7) and surface samples (m, 6) of a shape's image, float32.

    Distances near the surface follow the map of the closest points and normals, exact for an affine map; those farther
    away are to the nearest image of a closest point or a surface point.
    """
    unsigned, surface = (np.asarray(rows[kind], np.float64) for kind in ("unsigned", "surface"))
    x, distance, direction = unsigned[:, :3], unsigned[:, 3:4], unsigned[:, 4:]
    foot = x - distance * direction
    query, image, on = warp(x), warp(foot), warp(surface[:, :3])
    away = _normals(warp, foot, direction)
    away *= np.sign((away * (query - image)).sum(1, keepdims=True))
    length = (away * (query - image)).sum(1)
    far = distance[:, 0] > CLOSE
    if far.any():
        every = np.concatenate([image, on])
        apart = query[far] - every[nearest(KDTree(every), query[far])[1]]
        length[far] = np.linalg.norm(apart, axis=1)
        away[far] = apart / np.maximum(length[far, None], 1e-12)
    return {
        "unsigned": np.column_stack([query, length, away]).astype(np.float32),
        "surface": np.column_stack([on, _normals(warp, surface[:, :3], surface[:, 3:])]).astype(np.float32),
    }


def _normals(warp: Warp, x: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Normals (n, 3) at points (n, 3) to those at their images; zero stays zero."""
    moved = np.linalg.solve(warp.jacobian(x).transpose(0, 2, 1), normals[..., None])[..., 0]
    return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12))


def random_copy(
    drawn: Mapping[str, np.ndarray], how: Augmentation, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Points and directions (n, 3) and distances (n,), by name, of a random similar copy of their shape, float32. The
    lowest of "points" stays as high as it is: small people stand on the floor that tall ones stand on."""
    turn, scale = np.radians(how.turn) * random.uniform(-1, 1), np.float32(np.exp(how.scale * random.uniform(-1, 1)))
    mirrored = [-1.0 if axis in how.mirror and random.random() < 0.5 else 1.0 for axis in "xyz"]
    matrix = (Rotation.from_euler(how.axis, turn).as_matrix() * mirrored).T.astype(np.float32)
    up = "xyz".index(how.axis)
    lift = np.zeros(3, np.float32)
    lift[up] = (1 - scale) * (drawn["points"] @ matrix[:, up]).min()
    return {
        **{name: drawn[name] @ matrix * scale + lift for name in POINTS},
        **{name: drawn[name] @ matrix for name in DIRECTIONS},
        **{name: drawn[name] * scale for name in LENGTHS},
    }
