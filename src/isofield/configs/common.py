"""Settings that several methods share: a network, a learning rate, a descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal, get_args, get_origin, get_type_hints

from isofield.errors import InputError

Quality = Literal["fast", "balanced", "best"]
"""How much time a fit takes for detail."""
Init = Literal["oriented", "paper"]
"""What a network starts from: the orientation of the points, or what the method's paper starts from."""
NetworkKind = Literal["siren", "mlp", "hashgrid"]
"""Sine network, softplus or ReLU network, or hash grid with a small network on it."""
Surface = Literal["auto", "closed", "open"]
"""Whether a surface ends where the points end, or closes what they leave open."""
Normals = Literal["auto", "trust", "ignore"]
"""What becomes of normals that came with the points."""
QUALITIES, INITS, NETWORKS = get_args(Quality), get_args(Init), get_args(NetworkKind)
SURFACES = get_args(Surface)
NORMALS = get_args(Normals)


def check_fields(settings: object, signed: tuple[str, ...] = ()) -> None:
    """Raises InputError where a number, alone or in a tuple, is negative, or a word is not one of its choices.

    signed: Names of numbers that may be negative."""
    kind: Any = type(settings)
    for name, hint in _hints(kind).items():
        value = getattr(settings, name)
        if get_origin(hint) is Literal and value not in (choices := get_args(hint)):
            raise InputError(f"{name} cannot be {value!r}: choose among {', '.join(map(str, choices))}.")
        if name not in signed:
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, int | float) and not each >= 0:
                    raise InputError(f"{name} {each:g} is out of range: give at least 0.")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def check_positive(settings: object, name: str) -> None:
    """Raises InputError where the named tuple is not one or more numbers above 0."""
    values = getattr(settings, name)
    if not values or not all(0 < value < float("inf") for value in values):
        numbers = " ".join(f"{value:g}" for value in values) or "none"
        raise InputError(f"{name.replace('_', '-')} must be numbers above 0, not {numbers}.")


def check_range(settings: object, *names: str, above: float | None = None, least: float | None = None) -> None:
    """Raises InputError where one of the named numbers is `above` or less, or less than `least`."""
    for name in names:
        value = getattr(settings, name)
        if above is not None and not value > above:
            raise InputError(f"{name} {value:g} is out of range: give a number above {above:g}.")
        if least is not None and not value >= least:
            raise InputError(f"{name} {value:g} is out of range: give at least {least:g}.")


def check_fraction(settings: object, name: str) -> None:
    """Raises InputError where the named number is not a fraction."""
    if not 0 <= getattr(settings, name) <= 1:
        raise InputError(f"{name} {getattr(settings, name):g} is out of range: give a fraction from 0 to 1.")


@dataclass(frozen=True)
class Network:
    """A network of hidden layers.

    Args:
        kind: Sine network, softplus or ReLU network, or hash grid with a small network on it.
        width: Units of a hidden layer.
        layers: Number of hidden layers.
        w0: Frequency of the sine layers (siren only).
        activation: Activation of mlp and hashgrid; softplus has beta = 100.
    """

    kind: NetworkKind = "siren"
    width: int = 128
    layers: int = 4
    w0: float = 30.0
    activation: Literal["relu", "softplus"] = "softplus"

    def __post_init__(self) -> None:
        check_range(self, "width", "layers", least=1)
        check_range(self, "w0", above=0)
        check_fields(self)

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
        factor: Decay factor (kind step).
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
        if not self.warm_up < 1:
            raise InputError(f"warm_up {self.warm_up:g} is out of range: give a fraction below 1.")
        check_range(self, "every", least=1)
        check_fields(self)


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
        check_fields(self)


@dataclass(frozen=True)
class WarmStart:
    """The start of a network from the orientation of the points (`methods.warm_start`).

    Args:
        optim: Regression onto the rough signed distance: nearest point, sign by the winding number.
        scales: Deviations of its samples near the points, as fractions of the distance to the
            51st nearest neighbour in a cloud of 20 000 points.
        anchor: Weight, during the fit, of the deviation from the rough distance in all of space.
        sign: Weight, during the fit, of signs near the points that disagree with the rough distance.
        surface: Weight, during the fit, of |f| at the points.
    """

    optim: Optim = Optim(200, rate=Schedule(1e-3, "cosine", final=3e-4))
    scales: tuple[float, ...] = (1.0,)
    anchor: float = 0.3
    sign: float = 0.0
    surface: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self, "scales")
        check_fields(self)


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


@dataclass(frozen=True)
class MethodSpec:
    """A method that fits one shape, or learns a space of shapes.

    Args:
        summary: One line for the command line's help.
        build: The settings to the method (`types.Method` or `types.Space`), or "module:object", so that `--help`
            loads no torch.
        settings: The settings (a frozen dataclass) of a quality, fast, balanced or best; of a learned method also of an
            init, oriented or paper, and of a kind of network. A space has one default, without arguments.
        presets: Further settings by name.
        reads: What it learns from: points, a mesh, or a closed mesh; for a space a kind of prepared samples, such as
            signed, or several, or a function of its settings that gives these.
        observes: The kinds of samples of an unseen shape, where a space needs fewer of them than it learns from; or a
            function of its settings.
        learned: It learns a network of one shape: `settings` takes init and network.
        unsigned: Its distances have no sign: surfaces are open.
        cpu_only: It computes on the CPU alone, so that no device is looked for.
        compiles: A training compiles its decoder where `training.compile` says so.
        translate: "module:object" that makes settings of a table in the form of the method's released code; it gives
            None for another table.
    """

    summary: str
    build: str | Callable[[Any], Any]
    settings: Callable[..., Any]
    presets: Mapping[str, Any] = field(default_factory=dict)
    reads: str | tuple[str, ...] | Callable[[Any], tuple[str, ...]] = "points"
    observes: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = ()
    learned: bool = False
    unsigned: bool = False
    cpu_only: bool = False
    compiles: bool = False
    translate: str = ""

    def kinds(self, config: Any) -> tuple[str, ...]:
        """The kinds of prepared samples that a space with these settings learns from."""
        reads = self.reads(config) if callable(self.reads) else self.reads
        return (reads,) if isinstance(reads, str) else reads

    def observed_kinds(self, config: Any) -> tuple[str, ...]:
        """The kinds of samples of an unseen shape that a space with these settings reads."""
        observes = self.observes(config) if callable(self.observes) else self.observes
        return observes or self.kinds(config)

    @property
    def config(self) -> type:
        """The class of its settings."""
        return type(self.settings())

    def method(self, config: Any) -> Any:
        """The method with these settings."""
        return self.build(config) if callable(self.build) else _loaded(self.build)(config)

    def translated(self, table: Mapping[str, Any]) -> Any:
        """The settings that a table of the released code stands for; None for another table."""
        return _loaded(self.translate)(table) if self.translate else None


def _loaded(path: str) -> Callable[[Any], Any]:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


RESOLUTIONS = (8, 1024)
"""Cells along the longest side of a mesh's box, at least and at most."""
FEWEST_FACES = 20
"""Fewest faces of a mesh."""
NOISIEST = 0.1
"""Largest noise that can be given, as a fraction of the diagonal of the points' box."""
ETA = 0.005
"""Distance along the normals of an observed surface at which its distance counts as known (DeepSDF, section 6.3)."""


def check_resolution(resolution: int | None) -> None:
    """Raises InputError where a resolution is out of range; None is the field's own."""
    low, high = RESOLUTIONS
    if resolution is not None and not (resolution == int(resolution) and low <= resolution <= high):
        raise InputError(
            f"resolution {resolution} is not possible: give a whole number of cells along the longest side, {low} to "
            f"{high}."
        )


def check_seed(seed: int) -> None:
    """Raises InputError for a seed that no generator takes."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed} is out of range: give a whole number from 0 to {2**32 - 1}.")


def check_rotation(degrees: float) -> None:
    """Raises InputError for a largest rotation of a search for poses that is out of range."""
    if not 0 <= degrees <= 180:
        raise InputError(f"--max-rotation {degrees:g} is out of range: give 0 to 180 degrees.")


def check_finish(faces: int | None, trim: float | None) -> None:
    """Raises InputError for a number of faces or a distance that no mesh can have; None leaves the mesh as it is."""
    if faces is not None and faces < FEWEST_FACES:
        raise InputError(f"{faces} faces cannot represent a shape: give at least {FEWEST_FACES}.")
    if trim is not None and not 0 < trim < float("inf"):
        raise InputError(f"trim {trim:g} is not a distance: give a number greater than 0, in the input's units.")


def check_close_holes(size: float | None) -> None:
    """Raises InputError for a size that no hole can have; None leaves the choice to the spacing of the points."""
    if size is not None and not 0 <= size < float("inf"):
        raise InputError(f"close_holes {size:g} is not a size: give a number from 0, in the input's units.")


def check_noise(noise: float | None) -> None:
    """Raises InputError for noise that points cannot have; None is to be estimated."""
    if noise is not None and not 0 <= noise <= NOISIEST:
        raise InputError(
            f"noise {noise:g} is out of range: give a fraction of the bounding box's diagonal from 0 to {NOISIEST} "
            "(0.002 is 0.2 %)."
        )


def check_surface(surface: str) -> None:
    """Raises InputError for anything else than auto, closed and open."""
    if surface not in SURFACES:
        raise InputError(f"surface {surface!r} is unknown: take one of {', '.join(SURFACES)}.")


def noise_of(text: str) -> float | None:
    """What --noise says: None for 'auto', else the fraction. Raises InputError for anything else."""
    if text == "auto":
        return None
    try:
        noise = float(text)
    except ValueError:
        raise InputError(f"noise cannot be '{text}': give auto, or a fraction of the diagonal such as 0.002.") from None
    check_noise(noise)
    return noise
