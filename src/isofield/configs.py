"""The settings of every method: frozen dataclasses without torch, one a method; the command line is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quality = Literal["fast", "balanced", "best"]
Start = Literal["sides", "published"]


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
    steps: int = 700
    batch: int = 3000
    width: int = 192
    layers: int = 4
    w0: float = 20.0
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
        first, steps = {"fast": (100, 200), "balanced": (200, 700), "best": (400, 2000)}[quality]
        return cls(first_steps=first, steps=steps)
