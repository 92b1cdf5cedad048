"""Analytic fields, negative inside, in the box from -1 to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

Field = Callable[[np.ndarray], np.ndarray]
TURN = Rotation.from_rotvec([0.3, 0.5, 0.2]).as_matrix()


def sphere(p: np.ndarray, radius: float = 0.8) -> np.ndarray:
    return np.linalg.norm(p, axis=1) - radius


def torus(p: np.ndarray) -> np.ndarray:
    return np.hypot(np.hypot(p[:, 0], p[:, 1]) - 0.6, p[:, 2]) - 0.25


def plate(thickness: float, turned: bool = True) -> Field:
    def distance(p: np.ndarray) -> np.ndarray:
        q = p - [0.01, 0.003, 0.0043]
        q = np.abs(q @ TURN if turned else q) - [0.7, 0.6, thickness / 2]
        return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)

    return distance


def touching(p: np.ndarray) -> np.ndarray:
    q = p @ TURN - 0.013
    return np.minimum(sphere(q - [0.4, 0, 0], 0.4), sphere(q - [-0.4, 0, 0], 0.4))


def rough(p: np.ndarray) -> np.ndarray:
    """A torus on a coarse grid with noise, read trilinearly."""
    axis = np.linspace(-1, 1, 40)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    values = torus(nodes) + 0.01 * np.random.default_rng(0).standard_normal(len(nodes))
    return map_coordinates(values.reshape(40, 40, 40), ((p + 1) * 39 / 2).T, order=1, mode="nearest")


def noisy(p: np.ndarray) -> np.ndarray:
    """A torus whose values are off by up to 0.002, unlike from point to point."""
    hashed = np.sin(p @ np.array([127.1, 311.7, 74.7]) * 1000) * 43758.5453
    return torus(p) + 0.004 * (hashed - np.floor(hashed) - 0.5)


def grid(values: np.ndarray) -> Field:
    """(n, n, n) values in the box from 0 to n - 1, read trilinearly."""
    return lambda p: map_coordinates(values, p.T, order=1, mode="nearest")
