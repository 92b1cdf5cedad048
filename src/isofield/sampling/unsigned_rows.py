"""Rows of samples without signs: how they are made, windows of them, and what several kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isofield.types import Pose, Shape


def window(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` rows that follow each other, from a random one on. Where there are fewer, all of them repeat in their
    order from a random one on, as often as each other or once more."""
    few = len(rows) < count
    start = int(random.integers(max(len(rows), 1) if few else len(rows) - count + 1))
    some = np.roll(rows, -start, axis=0) if few else np.asarray(rows[start : start + count])
    return np.resize(some, (count, *some.shape[1:]))


def unsigned_rows(x: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Points (n, 3) and the points of the surface nearest to them (n, 3) as unsigned samples (n, 7): x y z, distance,
    and the direction away from the surface, which is 0 on it."""
    away = x - nearest
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    return np.concatenate([x, distance, away / np.maximum(distance, 1e-12)], axis=1)


def unsigned_of_cloud(rows: np.ndarray) -> np.ndarray:
    """Cloud samples (n, 6), queries and their nearest points, as unsigned samples (n, 7) float32."""
    x, nearest = (np.asarray(rows[:, part], np.float32) for part in (slice(3), slice(3, 6)))
    return unsigned_rows(x, nearest)


def unsigned_distances(shape: Shape) -> tuple[np.ndarray, np.ndarray] | None:
    """Points (n, 3) and their unsigned distances (n,) to the surface, of the samples without signs that a shape has;
    None where it has none."""
    if "unsigned" in shape.rows:
        return shape.rows["unsigned"][:, :3], shape.rows["unsigned"][:, 3]
    if "cloud" in shape.rows:
        rows = unsigned_of_cloud(shape.rows["cloud"])
        return rows[:, :3], rows[:, 3]
    if "surface" in shape.rows:
        points = shape.rows["surface"][:, :3]
        return points, np.zeros(len(points), np.float32)
    return None


def seen_surface(shape: Shape) -> np.ndarray:
    """Points (n, 3) of its surface that a shape's samples without signs have; none where they have no such points."""
    if "surface" in shape.rows:
        return shape.rows["surface"][:, :3]
    return shape.rows["cloud"][:, 3:6] if "cloud" in shape.rows else np.zeros((0, 3))


def posed(rows: Mapping[str, np.ndarray], pose: Pose) -> dict[str, np.ndarray]:
    """Unsigned, surface and cloud samples, by kind, in the frame that a pose leads to."""
    moved = {}
    for kind, some in rows.items():
        parts = np.split(some, {"unsigned": (3, 4), "surface": (3,), "cloud": (3,)}[kind], axis=1)
        ends = [pose.scale * parts[1]] if kind == "unsigned" else []
        ends.append(pose.apply(parts[1]) if kind == "cloud" else parts[-1] @ pose.rotation.T)
        moved[kind] = np.column_stack([pose.apply(parts[0]), *ends]).astype(np.float32)
    return moved
