"""Settings of the regression of signed distances."""

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
    budget,
    check_fields,
    check_fraction,
    check_positive,
    check_range,
)


@dataclass(frozen=True)
class SdfRegression:
    """Regression of the signed distance to one closed mesh. Lengths are normalised.

    Args:
        network: The field.
        optim: Descent; half of a batch is inside.
        clamp: Distances beyond it count as this (delta of DeepSDF's eq. 4).
        deviations: Standard deviations of the samples near the surface, taken in turn.
        uniform: Fraction of the samples that lie anywhere in the cube.
        samples: Samples drawn at first.
    """

    network: Network = Network()
    optim: Optim = budget("balanced", 2000)
    clamp: float = 0.1
    deviations: tuple[float, ...] = (0.05, 0.01)
    uniform: float = 0.06
    samples: int = 500_000

    def __post_init__(self) -> None:
        check_range(self, "clamp", "samples", above=0)
        check_fraction(self, "uniform")
        check_positive(self, "deviations")
        check_fields(self)


def settings(
    quality: Quality = "balanced", init: Init = "oriented", network: NetworkKind | None = None
) -> SdfRegression:
    """About 20 (fast), 35 to 65, and 90 to 160 seconds (best) on two CPU cores. init paper: DeepSDF's network."""
    if init == "oriented":
        return SdfRegression(Network.of(network or "siren"), budget(quality, 2000))
    return SdfRegression(
        Network.of(network) if network else Network("mlp", 512, 8, activation="relu"),
        Optim({"fast": 50, "balanced": 200, "best": 500}[quality], 4096, Schedule(5e-4)),
        deviations=(0.0707, 0.0224),
    )


SDF_REGRESSION = MethodSpec(
    "signed distances to a closed mesh, by a network", "isofield.methods.sdf_regression:method", settings,
    reads="closed mesh", learned=True,
)  # fmt: skip
