"""Settings of SIREN's experiment on signed distances."""

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
    check_range,
    warm_start,
)


@dataclass(frozen=True)
class Siren:
    """SIREN (Sitzmann et al. 2020), section 4.2.

    Args:
        network: The field.
        warm_start: Start from the orientation of the points; None: the network's own, as in the paper.
        optim: Descent; half of a batch are points, half are queries.
        on_surface: Weight of |f| at the points.
        eikonal: Weight of the eikonal term.
        on_normals: Weight of the normals.
        off_surface: Weight of the penalty on values near zero where no point is.
        sharpness: Exponent of that penalty, exp(-sharpness |f|).
    """

    network: Network = Network()
    warm_start: WarmStart | None = warm_start("balanced", (1.0,), 300.0)
    optim: Optim = budget("balanced", 1000)
    on_surface: float = 3000.0
    eikonal: float = 50.0
    on_normals: float = 100.0
    off_surface: float = 100.0
    sharpness: float = 100.0

    def __post_init__(self) -> None:
        check_range(self, "sharpness", above=0)
        check_fields(self)


PAPER = Siren(Network("siren", 256, 4), None, Optim(50_000, 2800, Schedule(1e-4)))
"""The paper's experiment on one scan."""


def settings(quality: Quality = "balanced", init: Init = "oriented", network: NetworkKind | None = None) -> Siren:
    """About 20 (fast), 35 to 65, and 90 to 160 seconds (best) on two CPU cores."""
    if init == "oriented":
        return Siren(Network.of(network or "siren"), warm_start(quality, (1.0,), 300.0), budget(quality, 1000))
    optim = Optim({"fast": 100, "balanced": 500, "best": 1200}[quality], 2800, PAPER.optim.rate)
    return Siren(Network.of(network) if network else PAPER.network, None, optim)


SIREN = MethodSpec(
    "a sine network of oriented points", "isofield.methods.siren:method", settings, {"siren-paper": PAPER},
    learned=True,
)  # fmt: skip
