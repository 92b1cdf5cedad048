"""Families whose parameters have ranges: any number of different shapes, each with its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from isofield.families import aircraft, furniture, sculpted, vessels

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class Series:
    """build: keyword parameters to a closed mesh. ranges: smallest and largest value of each parameter."""

    build: Callable[..., trimesh.Trimesh]
    ranges: dict[str, tuple[float, float]]

    def parameters(self, random: np.random.Generator) -> dict[str, float]:
        """One set of parameters, uniform in their ranges; counts (ranges that end at .999) are whole numbers."""
        drawn = {name: float(random.uniform(low, high)) for name, (low, high) in self.ranges.items()}
        whole = {name for name, (_, high) in self.ranges.items() if high % 1 > 0.99}
        return {name: float(floor(value)) if name in whole else value for name, value in drawn.items()}


SERIES: dict[str, Series] = {
    "aircraft": Series(aircraft.aircraft, aircraft.RANGES),
    "chair": Series(furniture.chair, furniture.RANGES),
    "vessel": Series(vessels.vessel, vessels.RANGES),
    "sculpture": Series(partial(sculpted.sculpture, edge=0.05, even=1.0), sculpted.RANGES),
}
"""The families of `isofield make`, by name."""
