"""The settings of every method: frozen dataclasses without torch, one a method; the command line is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quality = Literal["fast", "balanced", "best"]
Start = Literal["sides", "published"]
METHODS = ("auto", "smooth", "refined", "neural-pull")
"""Names of the methods that fit one shape."""
RESOLUTIONS = (8, 1024)
"""Cells along the longest side of a mesh's box, at least and at most."""
NOISIEST = 0.1
"""Most noise that can be given, as a fraction of the diagonal of the points' box."""


@dataclass(frozen=True)
class NeuralPullConfig:
    """Neural-Pull (Ma et al. 2021). Lengths are fractions of each point's distance to its k-th neighbour.

    start: "sides" regresses a sine network onto the rough signed distance that the points' sides give, then pulls;
    "published" is the paper's recipe: a ReLU network that starts as a sphere, the pull loss alone.
    first_steps, steps: of the regression, which only "sides" has, and of the pull. batch: queries a step.
    width, layers: of the network. w0: frequency of the sine network's layers.
    learning_rate: Adam's, falling by a cosine to `final` of it after rising over `warm_up` of the steps.
    neighbour: k, of a cloud of 20 000 points. scales: the queries' deviations around their points, taken in turn.
    squared: the paper's eq. 2 in place of the unsquared distance that its code computes.
    far, surface: weights of the rough signed distance away from the points, and of |f| at the points ("sides" only).
    """

    start: Start = "sides"
    first_steps: int = 200
    steps: int = 1200
    batch: int = 2500
    width: int = 128
    layers: int = 4
    w0: float = 30.0
    learning_rate: float = 1e-3
    warm_up: float = 0.02
    final: float = 0.01
    neighbour: int = 51
    scales: tuple[float, ...] = (0.5, 0.25)
    squared: bool = False
    far: float = 0.3
    surface: float = 0.5

    @classmethod
    def of(cls, quality: Quality = "balanced", start: Start = "sides") -> NeuralPullConfig:
        """The settings of a quality: about 12, 45 and 110 seconds on two CPU cores. Step counts never ask the clock."""
        if start == "published":
            return cls(
                start=start, first_steps=0, steps={"fast": 70, "balanced": 250, "best": 600}[quality], batch=5000,
                width=256, layers=8, warm_up=0.025, final=0.0, scales=(1.0, 0.5), far=0.0, surface=0.0,
            )  # fmt: skip
        first, steps = {"fast": (150, 250), "balanced": (200, 1200), "best": (300, 3000)}[quality]
        return cls(first_steps=first, steps=steps)


@dataclass(frozen=True)
class SmoothConfig:
    """Smoothed signed distance (Calakli and Taubin 2011). Lengths are fractions of the longest side of the points' box.

    oriented: points whose sides are found pair by pair. cells: finest cells along that side. levels: how many times
    the coarsest cells are halved, plus one. least_cell: no cell is smaller than this share of the points' spacing.
    margin: room around the box. iterations: conjugate gradient steps of each level, coarse first; the last number
    goes on. noise_share: what part of the noise is left in a point that its neighbours have cleared of it.
    cells_per_point: from so many finest cells' faces to a point, points are sparse and weigh more. least_noise: no
    point is trusted more than this. normal_deviation: expected error of a normal, as a length of the difference.
    smoothness, smoothness_per_noise: least lambda, and lambda where the noise is as large as the points' spacing,
    both at cells of 1 / reference_cells; it shrinks with the square root of the cell. prior, prior_power: weight of
    the far prior, times sureness to that power. prior_spacings: the prior begins two cells from the points, or two
    times so many of the points' spacings. winding_cell: below this cell size the winding number is interpolated.
    """

    oriented: int = 6000
    cells: int = 192
    levels: int = 4
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

    @classmethod
    def of(cls, quality: Quality = "balanced") -> SmoothConfig:
        """The settings of a quality: about 14, 20 and 35 seconds for 30 000 points on two CPU cores."""
        if quality == "fast":
            return cls(oriented=4000, cells=128, iterations=(100, 40, 40, 40))
        return cls(cells={"balanced": 192, "best": 256}[quality])


@dataclass(frozen=True)
class RefinedConfig:
    """The smooth grid, then a sine network that learns the grid's band and smooths its cells away.

    smooth: the grid's settings. steps: of the network. batch: samples a step. samples: drawn once
    from the band. width, layers, w0: of the network. learning_rate: Adam's, falling to `final` of it by a cosine.
    """

    smooth: SmoothConfig = SmoothConfig()
    steps: int = 1500
    batch: int = 4000
    samples: int = 400_000
    width: int = 192
    layers: int = 4
    w0: float = 20.0
    learning_rate: float = 1e-3
    final: float = 0.01

    @classmethod
    def of(cls, quality: Quality = "balanced") -> RefinedConfig:
        """The settings of a quality: about 20, 45 and 120 seconds for 30 000 points on two CPU cores."""
        steps = {"fast": 400, "balanced": 1500, "best": 4000}[quality]
        return cls(smooth=SmoothConfig.of(quality), steps=steps)
