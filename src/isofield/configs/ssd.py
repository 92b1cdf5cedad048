"""Settings of the smoothed signed distance, and of the network that refines it."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import MethodSpec, Network, Optim, Quality, Schedule, check_fields, check_range
from isofield.errors import InputError


@dataclass(frozen=True)
class Ssd:
    """Smooth signed distance (Calakli and Taubin 2011) on a sparse grid. Lengths are fractions of the longest side of
    the points' box.

    Args:
        oriented: Points that are oriented pair by pair.
        cells: Finest cells along the longest side.
        levels: Levels of the grid, each of half the cells of the one before.
        further: Levels beyond these, at most, where the points show more; see `detail`.
        detail: The cells of further levels are at least this many local spacings, and no smaller than the noise.
        most_nodes: No further level is added that would have more nodes than this.
        least_cell: No cell is smaller than this fraction of the points' spacing.
        margin: Room around the box.
        iterations: Conjugate gradient steps of each level, coarse first; the last number repeats.
        noise_share: Fraction of the noise that denoising leaves in a point.
        cells_per_point: With more finest cells a point than this, points are sparse and weigh more.
        least_noise: Least standard deviation of a point.
        normal_deviation: Expected error of a normal, as the length of the difference.
        smoothness: Least weight of the Hessian, at cells of 1 / reference_cells.
        smoothness_per_noise: Weight of the Hessian where the noise is as large as the points' spacing, likewise.
        reference_cells: Cells along the longest side at which those weights hold; they fall with the root of the cell.
        prior: Weight of the far prior.
        prior_power: The far prior counts with the certainty of its sign to this power.
        prior_spacings: The far prior begins two cells, or two times this many spacings, from the points.
        winding_cell: Below this cell size the winding number is interpolated.
    """

    oriented: int = 6000
    cells: int = 192
    levels: int = 4
    further: int = 4
    detail: float = 0.6
    most_nodes: int = 8_000_000
    least_cell: float = 0.4
    margin: float = 0.1
    iterations: tuple[int, ...] = (100, 60, 60, 60)
    noise_share: float = 0.66
    cells_per_point: float = 2.5
    least_noise: float = 0.0005
    normal_deviation: float = 0.5
    smoothness: float = 1.0
    smoothness_per_noise: float = 4.0
    reference_cells: int = 64
    prior: float = 0.3
    prior_power: float = 4.0
    prior_spacings: float = 0.5
    winding_cell: float = 0.012

    def __post_init__(self) -> None:
        check_range(self, "oriented", "cells", "levels", "most_nodes", "reference_cells", least=1)
        check_range(self, "least_cell", "detail", "cells_per_point", "least_noise", "normal_deviation", above=0)
        check_fields(self)
        if not self.iterations or min(self.iterations) < 1:
            raise InputError("iterations is out of range: give at least one number, each at least 1.")


def ssd_settings(quality: Quality = "balanced") -> Ssd:
    """About 5 (fast), 8, and 13 seconds (best) for 30 000 points on two CPU cores."""
    if quality == "fast":
        return Ssd(oriented=4000, cells=128, detail=1.0, iterations=(100, 40, 40, 40))
    return Ssd(cells={"balanced": 192, "best": 256}[quality])


@dataclass(frozen=True)
class SsdSiren:
    """The grid of `Ssd`, and a sine network that learns its band and smooths its cells away.

    Args:
        grid: The grid.
        network: The network; its frequency is lower than a network's that learns alone.
        optim: Descent on samples of the band.
        samples: Samples drawn from the band at first.
    """

    grid: Ssd = Ssd()
    network: Network = Network("siren", 192, 4, 20.0)
    optim: Optim = Optim(1500, 4000, Schedule(1e-3, "cosine", final=1e-5))
    samples: int = 400_000

    def __post_init__(self) -> None:
        check_range(self, "samples", least=1)
        check_fields(self)


def ssd_siren_settings(quality: Quality = "balanced") -> SsdSiren:
    """About 20 (fast), 45, and 120 seconds (best) for 30 000 points on two CPU cores."""
    steps = {"fast": 400, "balanced": 1500, "best": 4000}[quality]
    return SsdSiren(ssd_settings(quality), optim=Optim(steps, 4000, Schedule(1e-3, "cosine", final=1e-5)))


SSD = MethodSpec("a sparse grid, by least squares", "isofield.methods.ssd:SsdMethod", ssd_settings, cpu_only=True)
SSD_SIREN = MethodSpec(
    "that grid, refined by a sine network", "isofield.methods.ssd_siren:SsdSirenMethod", ssd_siren_settings
)
