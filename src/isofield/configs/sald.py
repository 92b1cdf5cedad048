"""Settings of SAL and SALD for one shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

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
class Sald:
    """SAL and SALD (Atzmon and Lipman 2020, 2021). Lengths are normalised.

    Args:
        network: The field.
        warm_start: Start from the orientation of the points; None: a sphere, as in the papers.
        optim: Descent.
        neighbour: Half of the queries deviate as far as this neighbour of their point, in a cloud of 20 000 points.
        scales: Multiples of that deviation, taken in turn.
        wide: Deviation of the other half.
        direction: Weight of the gradient of the unsigned distance; 0 leaves it out, as SAL does.
    """

    network: Network = Network()
    warm_start: WarmStart | None = warm_start("balanced", (0.5, 0.15), 0.3, sign=2.0)
    optim: Optim = budget("balanced", 1200)
    neighbour: int = 51
    scales: tuple[float, ...] = (0.5, 0.15)
    wide: float = 0.3
    direction: float = 0.1

    def __post_init__(self) -> None:
        check_range(self, "neighbour", least=1)
        check_positive(self, "scales")
        check_fields(self)
        if self.warm_start is None and self.network.kind == "siren":
            raise InputError(
                "SAL and SALD need a network that starts as a sphere, or the orientation of the points, and a sine "
                "network has neither: take network mlp or hashgrid, or init oriented."
            )


# The papers take the 11th (SALD) and the 51st (SAL) neighbour of 250 000 points.
SALD_PAPER = Sald(Network("mlp", 512, 8), None, Optim(5000, 8100, Schedule(5e-4)), 12, (0.27,), 0.3, 1.0)
SAL_PAPER = Sald(Network("mlp", 512, 8), None, Optim(2000, 16_384, Schedule(5e-4)), 12, (0.58,), 1.0, 0.0)


def settings(
    quality: Quality = "balanced", init: Init = "oriented", network: NetworkKind | None = None, *, paper: Sald
) -> Sald:
    """About 20 (fast), 35 to 65, and 90 to 160 seconds (best) on two CPU cores. paper: the paper's settings."""
    if init == "oriented":
        start = warm_start(quality, (0.5, 0.15), 0.3, sign=2.0)
        direction = 0.1 if paper.direction else 0.0
        return Sald(Network.of(network or "siren"), start, budget(quality, 1200), direction=direction)
    optim = Optim({"fast": 100, "balanced": 400, "best": 1000}[quality], 2500, paper.optim.rate)
    kind = Network.of(network) if network else Network("mlp", 256, 8)
    return Sald(kind, None, optim, paper.neighbour, paper.scales, paper.wide, paper.direction)


SALD = MethodSpec(
    "unsigned distances and their gradients, signs from the start", "isofield.methods.sald:method",
    partial(settings, paper=SALD_PAPER), {"sald-paper": SALD_PAPER}, learned=True,
)  # fmt: skip
SAL = MethodSpec(
    "unsigned distances, signs from the start", "isofield.methods.sald:method",
    partial(settings, paper=SAL_PAPER), {"sal-paper": SAL_PAPER}, learned=True,
)  # fmt: skip
