"""Settings of CAP-UDF."""

from __future__ import annotations

from dataclasses import dataclass

from isofield.configs.common import (
    MethodSpec,
    Network,
    Optim,
    Quality,
    Schedule,
    check_fields,
    check_positive,
    check_range,
)

RATE = Schedule(5e-3, "cosine", final=1e-4, warm_up=0.02)
"""For a hash grid."""


@dataclass(frozen=True)
class CapUdf:
    """Unsigned distances by consistency-aware pulling (Zhou et al. 2022).

    Args:
        network: The field; its magnitude is the distance.
        warm_start: Regression onto the distance with the sign of the nearest point's normal; None: a sphere, as in the
            paper.
        optim: Descent of each stage.
        stages: In all but the first one, moved queries join the points.
        denser: Queries that join in each stage, as a multiple of the points.
        near: Distance below which a query may join.
        neighbour: Queries deviate as far as this neighbour of their point, in a cloud of 20 000 points.
        scales: Multiples of that deviation, taken in turn.
        cover: Weight of the distance from the points to the nearest moved query of a batch.
    """

    network: Network = Network.of("hashgrid")
    warm_start: Optim | None = Optim(120, 1500, RATE)
    optim: Optim = Optim(400, 1500, RATE)
    stages: int = 2
    denser: float = 1.0
    near: float = 0.01
    neighbour: int = 51
    scales: tuple[float, ...] = (1.0, 0.25)
    cover: float = 0.5

    def __post_init__(self) -> None:
        check_range(self, "stages", "neighbour", least=1)
        check_range(self, "near", above=0)
        check_positive(self, "scales")
        check_fields(self)


PAPER = CapUdf(
    Network("mlp", 256, 8, activation="relu"), None, Optim(40_000, 20_000, Schedule(1e-3, "cosine", warm_up=0.025)),
    scales=(1.0,), cover=1.0,
)  # fmt: skip
"""The steps and queries of the released code, with the network and rate of Neural-Pull's PyTorch code."""


def settings(quality: Quality = "balanced") -> CapUdf:
    """About 15 (fast), 40, and 100 CPU seconds (best)."""
    return CapUdf(optim=Optim({"fast": 120, "balanced": 400, "best": 1000}[quality], 1500, RATE))


CAP_UDF = MethodSpec(
    "unsigned distances, for surfaces that end or cross", "isofield.methods.cap_udf:CapUdf", settings,
    {"cap-udf-paper": PAPER}, unsigned=True,
)  # fmt: skip
