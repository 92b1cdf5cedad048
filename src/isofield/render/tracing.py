"""Where rays meet a signed distance field: sphere tracing (Hart 1996)."""

from __future__ import annotations

import numpy as np

from isofield.types import Distance

STEPS = 256
CAUTION = 0.9
"""Share of the distance that a ray goes at once: learned distances may be some percent too long."""
HALVINGS = 24


def trace(
    distance: Distance, origins: np.ndarray, directions: np.ndarray, limit: float | np.ndarray, tolerance: float
) -> np.ndarray:
    """How far (n,) each ray goes until it meets the surface; inf where it does not within `limit`.

    origins, directions: (n, 3), directions of unit length. limit: one length, or (n,). tolerance: how near to the
    surface counts as met. A ray that begins inside meets the surface on its way out. A step that changes sides is
    halved until it has found the place.
    """
    far = np.broadcast_to(np.asarray(limit, np.float64), (len(origins),))
    met, gone = np.full(len(origins), np.inf), np.zeros(len(origins))
    side = np.sign(distance(origins)) if len(origins) else np.zeros(0)
    side[side == 0] = 1
    last = np.zeros(len(origins))
    alive = np.arange(len(origins))
    for _ in range(STEPS):
        if not len(alive):
            break
        value = side[alive] * distance(origins[alive] + gone[alive, None] * directions[alive])
        hit = np.abs(value) <= tolerance
        met[alive[hit]] = gone[alive[hit]]
        crossed = value < -tolerance
        if crossed.any():
            ray = alive[crossed]
            met[ray] = _bisect(distance, origins[ray], directions[ray], side[ray], last[ray], gone[ray])
        alive, value = alive[value > tolerance], value[value > tolerance]
        last[alive] = gone[alive]
        gone[alive] += np.maximum(CAUTION * value, tolerance)
        alive = alive[gone[alive] <= far[alive]]
    met[met > far] = np.inf
    return met


def _bisect(
    distance: Distance, origins: np.ndarray, directions: np.ndarray, side: np.ndarray, near: np.ndarray, far: np.ndarray
) -> np.ndarray:
    """The place (n,) of a change of side between `near` and `far` along rays."""
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        before = side * distance(origins + middle[:, None] * directions) > 0
        near, far = np.where(before, middle, near), np.where(before, far, middle)
    return (near + far) / 2
