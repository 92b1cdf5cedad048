"""Settings that several methods share: a network, a learning rate, a descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from isofield.errors import InputError

Quality = Literal["fast", "balanced", "best"]
"""How much time a fit takes for detail."""
Init = Literal["oriented", "paper"]
"""What a network starts from: the orientation of the points, or what the method's paper starts from."""
NetworkKind = Literal["siren", "mlp", "hashgrid"]
"""Sine network, softplus or ReLU network, or hash grid with a small network on it."""
QUALITIES, INITS, NETWORKS = get_args(Quality), get_args(Init), get_args(NetworkKind)


def check_range(settings: object, *names: str, above: float | None = None, least: float | None = None) -> None:
    """Raises InputError where one of the named numbers is not above `above`, or below `least`."""
    for name in names:
        value = getattr(settings, name)
        if above is not None and not value > above:
            raise InputError(f"{name} {value:g} is out of range: give a number above {above:g}.")
        if least is not None and not value >= least:
            raise InputError(f"{name} {value:g} is out of range: give at least {least:g}.")


@dataclass(frozen=True)
class Network:
    """A network of hidden layers.

    Args:
        kind: siren, mlp or hashgrid.
        width: Units of a hidden layer.
        layers: Number of hidden layers.
        w0: Frequency of the sine layers (siren only).
        activation: Activation of the other networks; softplus has beta = 100.
    """

    kind: NetworkKind = "siren"
    width: int = 128
    layers: int = 4
    w0: float = 30.0
    activation: Literal["relu", "softplus"] = "softplus"

    def __post_init__(self) -> None:
        check_range(self, "width", "layers", least=1)
        check_range(self, "w0", above=0)

    @classmethod
    def of(cls, kind: NetworkKind) -> Network:
        """A network of the kind that two CPU cores train in a minute."""
        width, layers = {"siren": (128, 4), "mlp": (192, 5), "hashgrid": (64, 2)}[kind]
        return cls(kind, width, layers)


@dataclass(frozen=True)
class Schedule:
    """A learning rate over a descent. For one shape an epoch is a step.

    Args:
        initial: Rate at the start; the peak of cosine.
        kind: constant: initial. step: initial * factor^(epoch // every). warmup: linear from initial to final over
            `every` epochs, then final. cosine: linear to initial over the fraction `warm_up` of all steps, then a
            cosine down to final.
        every: Epochs of step and warmup.
        factor: Factor of step.
        final: Rate at the end of warmup and cosine.
        warm_up: Fraction of the steps over which cosine rises.
    """

    initial: float = 1e-3
    kind: Literal["constant", "step", "warmup", "cosine"] = "constant"
    every: int = 500
    factor: float = 0.5
    final: float = 0.0
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        check_range(self, "initial", "final", "warm_up", least=0)
        check_range(self, "every", least=1)


@dataclass(frozen=True)
class Optim:
    """Adam on fresh batches.

    Args:
        steps: Number of steps.
        batch: Samples of a step.
        rate: Learning rate.
    """

    steps: int
    batch: int = 2500
    rate: Schedule = Schedule(1e-3, "cosine", final=1e-5, warm_up=0.02)

    def __post_init__(self) -> None:
        check_range(self, "steps", "batch", least=1)


@dataclass(frozen=True)
class WarmStart:
    """The start of a network from the orientation of the points (`methods.warm_start`).

    Args:
        optim: Regression onto the rough signed distance: nearest point, sign by the winding number.
        scales: Deviations of its samples near the points, as fractions of the distance to the 51st neighbour of 20 000.
        anchor: Weight of the rough distance in all of space, afterwards.
        sign: Weight of a sign other than the rough distance's near the points, afterwards.
        surface: Weight of |f| at the points, afterwards.
    """

    optim: Optim = Optim(200, rate=Schedule(1e-3, "cosine", final=3e-4))
    scales: tuple[float, ...] = (1.0,)
    anchor: float = 0.3
    sign: float = 0.0
    surface: float = 0.0


_SHARES: dict[Quality, tuple[float, float]] = {"fast": (0.75, 0.2), "balanced": (1.0, 1.0), "best": (1.5, 2.5)}
"""Steps of the warm start and of the method, as multiples of balanced quality."""


def warm_start(quality: Quality, scales: tuple[float, ...], anchor: float, **weights: float) -> WarmStart:
    """The warm start of a quality."""
    steps = round(200 * _SHARES[quality][0])
    optim = Optim(steps, rate=Schedule(1e-3, "cosine", final=3e-4))
    return WarmStart(optim, scales, anchor, **weights)


def budget(quality: Quality, steps: int) -> Optim:
    """The descent after a warm start; steps: in balanced quality."""
    return Optim(round(steps * _SHARES[quality][1]))
