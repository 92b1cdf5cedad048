"""Query points around the points of a cloud, and the rough signed distance that oriented points give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.points import Oriented

SPACE = 1.1
"""Half side of the cube in which networks are trained."""
PUBLISHED_POINTS = 20_000
"""Size of the cloud for which Neural-Pull (Ma et al. 2021) published its neighbour, the 51st."""
LEAST_NEIGHBOUR = 12
"""Queries nearer to their point than this neighbour would teach a field a ball around each point."""

Draw = Callable[[np.random.Generator, int], np.ndarray]


def around(points: np.ndarray, neighbour: int = 51, scales: Sequence[float] = (1.0,)) -> Draw:
    """A sampler of queries about points (n, 3): (random, count) to (count, 3), normal deviates about random points.

    A point's deviation is its distance to its `neighbour`-th nearest, itself included, times one of `scales`. That
    neighbour belongs to a cloud of 20 000 points: of a larger cloud so many are searched, in a smaller one it falls
    with their number, so that the deviation is a length of the shape; but never below `LEAST_NEIGHBOUR`.
    """
    known = points[:: -(-len(points) // PUBLISHED_POINTS)]
    k = max(LEAST_NEIGHBOUR, round(neighbour * len(known) / PUBLISHED_POINTS))
    deviation = nearest(cKDTree(known), points, k=[min(k, len(known))])[0]  # (n, 1)

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        chosen = random.integers(len(points), size=count)
        scale = np.resize(scales, count)[:, None]
        return points[chosen] + random.standard_normal((count, 3)) * scale * deviation[chosen]

    return draw


def everywhere(points: np.ndarray, space: float, random: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3): half of them uniform in the box of points (n, 3) with a margin of 0.1, half in the cube of half side
    `space` about the origin.
    """
    low, high = points.min(0) - 0.1, points.max(0) + 0.1
    inner = random.uniform(low, high, (count // 2, 3))
    return np.concatenate([inner, random.uniform(-space, space, (count - len(inner), 3))])


def rough_distance(oriented: Oriented, x: np.ndarray) -> np.ndarray:
    """(m,) at x (m, 3): distance to the nearest of the points, negative where their winding number exceeds one half."""
    distance = nearest(cKDTree(oriented.points), x)[0]
    return np.where(oriented.winding(x) > 0.5, -distance, distance)
