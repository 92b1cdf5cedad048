"""Query points around a point cloud, and an approximate signed distance from oriented points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points import Oriented

SPACE = 1.1
"""Half side of the cube in which networks are trained."""
PUBLISHED_POINTS = 20_000
"""Size of the clouds in Neural-Pull (Ma et al. 2021), whose neighbour is the 51st."""
LEAST_NEIGHBOUR = 12
"""Smallest neighbour: with a smaller one, a field learns a ball around each point."""

Draw = Callable[[np.random.Generator, int], np.ndarray]


def around(points: np.ndarray, neighbour: int = 51, scales: Sequence[float] = (1.0,)) -> Draw:
    """A sampler of queries around points (n, 3): (random, count) to (count, 3), normal deviates from random points.

    The standard deviation at a point is the distance to its `neighbour`-th nearest point, itself included, times one
    of `scales`. The neighbour refers to a cloud of 20 000 points: larger clouds are subsampled to that size, and in
    smaller ones the neighbour shrinks with their number, to `LEAST_NEIGHBOUR` at least, so that the deviation depends
    on the shape rather than on the number of points.
    """
    reference = points[:: -(-len(points) // PUBLISHED_POINTS)]
    k = max(LEAST_NEIGHBOUR, round(neighbour * len(reference) / PUBLISHED_POINTS))
    deviation = nearest(KDTree(reference), points, k=[min(k, len(reference))])[0]  # (n, 1)

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        chosen = random.integers(len(points), size=count)
        scale = np.resize(scales, count)[:, None]
        return points[chosen] + random.standard_normal((count, 3)) * scale * deviation[chosen]

    return draw


def everywhere(points: np.ndarray, space: float, random: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3): half of them uniform in the box of points (n, 3) with a margin of 0.1, half in the cube of half side
    `space` around the origin."""
    low, high = points.min(0) - 0.1, points.max(0) + 0.1
    inner = random.uniform(low, high, (count // 2, 3))
    return np.concatenate([inner, random.uniform(-space, space, (count - len(inner), 3))])


def rough_distance(oriented: Oriented, x: np.ndarray, open_: bool = False) -> np.ndarray:
    """(m,) at x (m, 3): distance to the nearest point, negative where the winding number of the points exceeds 1/2; of
    an open surface, which encloses nothing, negative behind the plane through that point."""
    distance, index = nearest(KDTree(oriented.points), x)
    if open_:
        inside = np.einsum("nd,nd->n", x - oriented.points[index], oriented.normals[index]) < 0
    else:
        inside = oriented.winding(x) > 0.5
    return np.where(inside, -distance, distance)
