"""What a metric declares, and what it is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from isofield.evaluate.distances import Matches, match
from isofield.evaluate.surface_samples import SurfaceSamples
from isofield.evaluate.topology import Topology

Score = float | int | bool | str | None
Measured = TypeVar("Measured")
"""What a metric is computed from: a `Comparison`, or what a protocol has instead."""


@dataclass(frozen=True)
class Comparison:
    """A prediction and its truth, scaled so that the diagonal of the truth's bounding box is 1.

    pred, truth: their samples, and matches: the nearest neighbours between these. pred_topology: None for a cloud. iou:
    volumetric intersection over union, None where a shape has no volume. diagonal: of the truth's box, in the files'
    units. longest_side: of that box, in diagonals. normalised: normalised units per diagonal.
    """

    pred: SurfaceSamples
    truth: SurfaceSamples
    matches: Matches
    pred_topology: Topology | None
    iou: float | None
    diagonal: float
    longest_side: float
    normalised: float

    def among_first(self, count: int) -> Matches:
        """The matches between the first `count` samples of each shape."""
        if max(len(self.pred.points), len(self.truth.points)) <= count:
            return self.matches
        return match(SurfaceSamples(self.pred.points[:count]), SurfaceSamples(self.truth.points[:count]))


@dataclass(frozen=True)
class Metric(Generic[Measured]):
    """One number of `isofield evaluate`: tables, JSON and CSV follow from it.

    The built-in ones are in `evaluate.metrics`, over a `Comparison`; another package declares one as an entry point of
    the group `isofield.metrics`. A protocol has its own (see `evaluate.dfaust`).

    key: its name in JSON, CSV and Python. label: its name in tables. better: "up", "down", or "" where neither is.
    unit, formula: as shown in the legend. compute: the number, or None where the shapes do not have it; the floor is
    the same function of the truth and the truth sampled again. column: heading in the table of several pairs, "" to
    leave it out. describes: it depends on the prediction alone, so that the truth's own value replaces the floor.
    """

    key: str
    label: str
    better: str
    unit: str
    formula: str
    compute: Callable[[Measured], Score]
    column: str = ""
    describes: bool = False
