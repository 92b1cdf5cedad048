"""Settings of IGR."""

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
    check_fraction,
    check_positive,
    check_range,
    warm_start,
)


@dataclass(frozen=True)
class Igr:
    """Implicit geometric regularization (Gropp et al. 2020).

    Args:
        network: The field.
        warm_start: Start from the orientation of the points; None: a sphere, as in the paper.
        optim: Descent; half of a batch are points, half are queries.
        neighbour: Queries deviate as far as this neighbour of their point, in a cloud of 20 000 points.
        scales: Multiples of that deviation, taken in turn.
        uniform: Fraction of the queries that lie anywhere in the cube.
        eikonal: Weight of the eikonal term.
        on_normals: Weight of the normals.
    """

    network: Network = Network()
    warm_start: WarmStart | None = warm_start("balanced", (1.0, 0.25), 0.3)
    optim: Optim = budget("balanced", 1000)
    neighbour: int = 51
    scales: tuple[float, ...] = (1.0, 0.25)
    uniform: float = 0.125
    eikonal: float = 0.1
    on_normals: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "neighbour", least=1)
        check_fraction(self, "uniform")
        check_positive(self, "scales")
        check_fields(self)


PAPER = Igr(Network("mlp", 512, 8), None, Optim(100_000, 32_768, Schedule(5e-3, "step", every=2000)), scales=(1.0,))
"""The released code for one shape."""


def settings(quality: Quality = "balanced", init: Init = "oriented", network: NetworkKind | None = None) -> Igr:
    """About 20 (fast), 35 to 65, and 90 to 160 seconds (best) on two CPU cores."""
    if init == "oriented":
        start = warm_start(quality, (1.0, 0.25), 0.3)
        return Igr(Network.of(network or "siren"), start, budget(quality, 1000))
    steps = {"fast": 100, "balanced": 400, "best": 1000}[quality]
    optim = Optim(steps, 2500, Schedule(5e-3, "cosine", final=1.5e-4))
    return Igr(Network.of(network) if network else Network("mlp", 256, 8), None, optim, scales=(1.0,))


IGR = MethodSpec(
    "zero on the points, unit gradient everywhere", "isofield.methods.igr:method", settings,
    {"igr-paper": PAPER}, learned=True,
)  # fmt: skip
