"""Families with ranges: as many different shapes as are asked for, each with its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isofield.families import aircraft, furniture, sculpted, vessels

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class Series:
    """build: of keyword parameters, a closed mesh. ranges: lowest and highest value of each parameter."""

    build: Callable[..., trimesh.Trimesh]
    ranges: dict[str, tuple[float, float]]

    def parameters(self, random: np.random.Generator) -> dict[str, float]:
        """One set of parameters, uniform in their ranges; counts (ranges that end at .999) are whole."""
        drawn = {name: float(random.uniform(low, high)) for name, (low, high) in self.ranges.items()}
        return {name: float(int(value)) if self.ranges[name][1] % 1 > 0.99 else value for name, value in drawn.items()}


def _sculpture(seed: float, saddles: float, thickness: float, relief: float) -> trimesh.Trimesh:
    return sculpted.sculpture(int(seed), saddles=int(saddles), thickness=thickness, relief=relief, edge=0.06)


SERIES: dict[str, Series] = {
    "aircraft": Series(aircraft.aircraft, aircraft.RANGES),
    "chair": Series(furniture.chair, furniture.RANGES),
    "vessel": Series(vessels.vessel, vessels.RANGES),
    "sculpture": Series(
        _sculpture, {"seed": (1, 9999.999), "saddles": (6, 10.999), "thickness": (0.08, 0.13), "relief": (0.0, 0.03)}
    ),
}
"""Every family that `isofield make` makes, by its name."""
