"""Signed distances where a scan has measured the surface: the others are not certain, and are left out.

A surface that closes a scan is a guess where no point is near. Let p be the point of the surface closest to x, and g(p)
its distance to the nearest point of the scan. The distance at x is taken where p was measured, and where |f(x)| is at
least `FAR` times g(p): the true surface may lie up to about g(p) away from a guess, so that there the sign is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.solids.signed_distance import Rows
from isofield.types import Distance

FAR = 2.0
"""A distance counts from this many times the gap between the closest point of the surface and the scan."""


@dataclass(frozen=True)
class Measured:
    """Where a surface was measured. points: (n, 3) on it. seen: (n,) bool, whether the scan measured it there. gap:
    (n,) distance to the nearest point of the scan."""

    points: np.ndarray
    seen: np.ndarray
    gap: np.ndarray

    @cached_property
    def tree(self) -> KDTree:
        """The points, for searches."""
        return KDTree(self.points)

    def at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether positions x (m, 3) of the surface were measured, (m,) bool, and their gaps (m,)."""
        row = nearest(self.tree, x)[1]
        return self.seen[row], self.gap[row]


def measured_distance(surface: Rows, measured: Measured) -> Distance:
    """The signed distance (n,) of points (n, 3) to a surface (`solids.signed_distance.closest_surface`); NaN near what
    was not measured."""

    def distance(x: np.ndarray) -> np.ndarray:
        rows = surface(x)
        seen, gap = measured.at(rows[:, 1:4])
        return np.where(seen | (np.abs(rows[:, 0]) >= FAR * gap), rows[:, 0], np.nan)

    return distance
