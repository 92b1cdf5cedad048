"""Settings of Neural-Pull."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import (
    Init,
    MethodSpec,
    Network,
    NetworkKind,
    Optim,
    Quality,
    Schedule,
    WarmStart,
    budget,
    check_fields,
    check_positive,
    check_range,
    warm_start,
)
from isofield.errors import InputError


@dataclass(frozen=True)
class NeuralPull:
    """Neural-Pull (Ma et al. 2021).

    Args:
        network: The field.
        warm_start: Start from the orientation of the points; None: a sphere, as in the paper.
        optim: Descent.
        neighbour: Queries deviate as far as this neighbour of their point, in a cloud of 20 000 points.
        scales: Multiples of that deviation, taken in turn.
        squared: Square the distance, as eq. 2 has it; the released code does not.
        pull: Weight of the distance to the nearest point.
        drawn: Weight of the distance to a random point around the nearest (noise to noise).
        patch: That many points around the nearest are drawn from, itself included.
        within: Weight of values greater than the distance to the nearest point.
        tangent: Weight of the distance to the tangent plane of the random point; wants a smooth network (w0 12).
        edge: Normals that differ by this angle (degrees) weigh 1/e in it: they belong to both sides of an edge.
        consistency: Weight of the angle between the gradients at a query and where it is pulled to.
        falloff: Queries at the distance 1/falloff weigh 1/e in it.
    """

    network: Network = Network()
    warm_start: WarmStart | None = warm_start("balanced", (0.5, 0.25), 0.3, surface=0.5)
    optim: Optim = budget("balanced", 1200)
    neighbour: int = 51
    scales: tuple[float, ...] = (0.5, 0.25)
    squared: bool = False
    pull: float = 1.0
    drawn: float = 0.0
    patch: int = 8
    within: float = 0.0
    tangent: float = 0.0
    edge: float = 15.0
    consistency: float = 0.0
    falloff: float = 10.0

    def __post_init__(self) -> None:
        check_range(self, "neighbour", "patch", least=1)
        check_range(self, "edge", above=0)
        check_positive(self, "scales")
        check_fields(self)
        if not self.pull + self.drawn + self.tangent:
            raise InputError("nothing pulls: give pull, drawn or tangent a weight above 0.")


PAPER = NeuralPull(
    Network("mlp", 256, 8, activation="relu"), None,
    Optim(40_000, 5000, Schedule(1e-3, "cosine", final=0.0, warm_up=0.025)), scales=(1.0, 0.5),
)  # fmt: skip
"""The authors' PyTorch code."""
NOISY = NeuralPull(pull=0.0, drawn=1.0, patch=24, within=0.1)
"""Noise that is wider than the spacing of the points."""
SPARSE = NeuralPull(Network(w0=12.0), tangent=1.0, patch=6)
"""Some hundred points."""


def settings(quality: Quality = "balanced", init: Init = "oriented", network: NetworkKind | None = None) -> NeuralPull:
    """About 12 (fast), 45, and 110 seconds (best) on two CPU cores."""
    if init == "oriented":
        start = warm_start(quality, (0.5, 0.25), 0.3, surface=0.5)
        return NeuralPull(Network.of(network or "siren"), start, budget(quality, 1200))
    optim = Optim({"fast": 70, "balanced": 250, "best": 600}[quality], 5000, PAPER.optim.rate)
    return NeuralPull(Network.of(network) if network else PAPER.network, None, optim, scales=PAPER.scales)


NEURAL_PULL = MethodSpec(
    "pulls queries onto the nearest points along the field's own gradient",
    "isofield.methods.neural_pull:method", settings,
    {"neural-pull-paper": PAPER, "neural-pull-noisy": NOISY, "neural-pull-sparse": SPARSE}, learned=True,
)  # fmt: skip
