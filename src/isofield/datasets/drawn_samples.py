"""Training samples as coloured points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isofield.render import SLATE
from isofield.render.colors import colors_of_distance, ramp

EVERY, INSIDE, OUTSIDE = "all", "inside", "outside"


@dataclass(frozen=True, eq=False)
class Drawn:
    """Samples as they are drawn: points (n, 3), their colours (n, 3) uint8, segments (m, 2, 3) between queries and
    their nearest points, and what the colours mean."""

    points: np.ndarray
    colors: np.ndarray
    segments: np.ndarray
    meaning: str


def drawn(kind: str, rows: np.ndarray, side: str = EVERY) -> Drawn:
    """Rows (n, k) of a kind of samples as points and colours. side: of samples with a sign, which of them are drawn.

    Pictures lie in the plane z = 0, with y up.
    """
    rows = np.asarray(rows, np.float64)
    none = np.zeros((0, 2, 3))
    if kind in ("signed", "levelset", "plane", "occupancy"):
        flat = kind == "plane"
        value = np.where(rows[:, -1] > 0.5, -1.0, 1.0) if kind == "occupancy" else rows[:, 3 - flat]
        kept = {EVERY: value == value, INSIDE: value < 0, OUTSIDE: value >= 0}[side]
        points, value = (_flat(rows) if flat else rows[:, :3])[kept], value[kept]
        limit = float(np.percentile(np.abs(value), 90)) if len(value) else 1.0
        text = f"blue inside, red outside, up to {limit:.3g}" if kind != "occupancy" else "blue inside, red outside"
        return Drawn(points, colors_of_distance(value, limit), none, text)
    if kind == "unsigned":
        return Drawn(rows[:, :3], ramp(rows[:, 3]), none, "violet near the surface, yellow far from it")
    if kind == "surface":
        return Drawn(rows[:, :3], np.rint(127.5 * (rows[:, 3:6] + 1)).astype(np.uint8), none, "coloured by normals")
    if kind == "cloud":
        plain = np.broadcast_to(np.array(SLATE, np.uint8), (len(rows), 3))
        return Drawn(rows[:, :3], plain, rows[:, :6].reshape(-1, 2, 3), "queries, and lines to their nearest points")
    points = _flat(rows)
    if kind == "image":
        colors = np.rint(127.5 * (np.clip(rows[:, 2:], -1, 1) + 1)).astype(np.uint8)
        return Drawn(points, np.broadcast_to(colors if colors.shape[1] == 3 else colors[:, :1], points.shape), none, "")
    return Drawn(points, np.broadcast_to(np.array(SLATE, np.uint8), points.shape), none, "")


def _flat(rows: np.ndarray) -> np.ndarray:
    """(n, 3) of positions (n, 2 or more), x to the right and y downwards."""
    return np.stack([rows[:, 0], -rows[:, 1], np.zeros(len(rows))], 1)
