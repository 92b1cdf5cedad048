"""How much of the surface that would close a cloud lies where nothing was measured."""

from __future__ import annotations

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.winding_number import winding_number

CELLS = 64
"""Cells along the longest side of the box."""
SPACINGS, LEAST_CELLS = 2.0, 1.5
"""The closing surface is far from the points where it is this many local spacings and this many cells away."""


def unseen_share(points: np.ndarray, normals: np.ndarray, areas: np.ndarray, spacing: np.ndarray) -> float:
    """The share, from 0 to 1, of the area of the closed surface of oriented points that is far from all of them.

    points: (n, 3). normals: (n, 3) outward. areas, spacing: (n,) of each point. The closed surface is where the winding
    number is 1/2. Its area is taken as the number of edges of a grid that cross it, which is exact in the mean over all
    directions (Cauchy and Crofton); a part along the axes counts two thirds. 0 where nothing is enclosed.
    """
    low, high = points.min(0), points.max(0)
    cell = float((high - low).max()) / CELLS
    count = np.ceil((high - low) / cell).astype(np.int64) + 3
    first = low - cell
    nodes = first + cell * np.stack(np.meshgrid(*(np.arange(k) for k in count), indexing="ij"), -1)
    inside = (winding_number(points, normals, areas)(nodes.reshape(-1, 3)) > 0.5).reshape(count)
    middles = []
    for axis in range(3):
        crossing = np.argwhere(np.diff(inside, axis=axis))
        middles.append(first + cell * (crossing + 0.5 * np.eye(3)[axis]))
    middle = np.concatenate(middles)
    if not len(middle):
        return 0.0
    distance, closest = nearest(KDTree(points), middle)
    return float((distance > np.maximum(SPACINGS * spacing[closest], LEAST_CELLS * cell)).mean())
