"""Random copies of what was drawn of a shape: mirrored, turned about the vertical axis, scaled on its floor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from isofield.configs import Augmentation

POINTS, DIRECTIONS, LENGTHS = ("query", "points"), ("direction", "normals"), ("distance",)
"""Names of what moves with the shape, of what only turns with it, and of what only grows with it."""


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
