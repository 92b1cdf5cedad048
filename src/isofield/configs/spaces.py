"""The settings of the methods that learn a space of shapes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from isofield.errors import InputError


@dataclass(frozen=True)
class LinearConfig:
    """A linear space of shapes: principal components of truncated distance grids. Lengths are normalised.

    Args:
        cells: Of the grid along each side, an even number.
        limit: Distances are cut off beyond it.
        samples: Of each shape, for its grid.
        stiffness: Of that grid (`methods.grid_fit`).
        iterations: Of the solver of that grid.
        megabytes: Of the components, at most.
        length: Of a code, at most: so many components.
        mirror: Axes along which the mirror image of a shape counts as a shape (letters of xyz, - for none); auto: those
            that make shapes that were left out better known.
        most: Of so many shapes the components are taken.
        evidence: Samples that an unseen shape's code is found from.
        ridge: Weight of the prior on a code.
        rounds: Of the robust fit of a code.
        detail: Samples of an unseen shape for the residual grid that it gets beside its code.
        bend: Stiffness of that grid.
        levels: Finer grids after it near the surface, each of half the cells.
        smooth: Their stiffness.
        refining: Iterations of the solver of those grids.
    """

    cells: int = 48
    limit: float = 0.3
    samples: int = 40_000
    stiffness: float = 0.3
    iterations: int = 12
    megabytes: float = 28.0
    length: int = 512
    mirror: str = "auto"
    most: int = 4000
    evidence: int = 8192
    ridge: float = 3e-9
    rounds: int = 6
    detail: int = 60_000
    bend: float = 0.03
    levels: int = 2
    smooth: float = 2.0
    refining: int = 30


RateKind = Literal["step", "warmup", "constant", "cosine"]
Precision = Literal["fp32", "bf16"]
Search = Literal["adam", "lm"]


@dataclass(frozen=True)
class RateConfig:
    """A learning rate over a training (`training.schedules`).

    Args:
        initial: The rate at first; the greatest one of cosine.
        kind: step: initial * factor^(epoch // length). warmup: from initial to final over `length` epochs, then final.
            constant: initial. cosine: a rise to initial over the part `rise` of all steps, then a fall by a cosine to
            final.
        length: Epochs of step and warmup.
        factor: Of step.
        final: Of warmup and cosine.
        rise: Of cosine.
    """

    initial: float
    kind: RateKind = "constant"
    length: int = 500
    factor: float = 0.5
    final: float = 0.0
    rise: float = 0.02


@dataclass(frozen=True)
class DeepSdfConfig:
    """DeepSDF's auto-decoder (`methods.auto_decoder`); the defaults are the published numbers. Lengths are normalised.

    Args:
        length: Of a code.
        dims: Widths of the network's hidden layers.
        latent_in: Layers that the code and the point join again.
        norm_layers: Layers that are normalised, by weight or by layer norm.
        weight_norm: Weight norm rather than layer norm.
        dropout: Layers with dropout.
        dropout_prob: Share that dropout leaves out.
        xyz_in_all: The point joins every layer.
        latent_dropout: Dropout of codes, too.
        use_tanh: A second tanh at the end of the network.
        clamp: Distances are cut off beyond it.
        saturating: As published: values beyond `clamp` have no slope even where they are wrong.
        code_std: Deviation of the length of a code at first.
        code_bound: No code is longer; 0 for no bound.
        prior: Weight of the codes' lengths in the loss.
        prior_warm_up: Epochs over which that weight rises.
        squared: The prior is on squared lengths.
        batch: Shapes of a step.
        samples: Points of each, half of them inside.
        epochs: Through all shapes, where `steps` is 0.
        steps: So many in place of epochs; 0: as many as `epochs` says.
        decoder_rate: Learning rate of the network.
        code_rate: Learning rate of the codes; initial 0 leaves them as they begin.
        clip: Largest norm of the network's gradient; 0 for any.
        parts: Of a batch, one after the other, for less memory.
        snapshots: Epochs (steps, where those are given) after which the space is kept.
        keep: Epochs (steps) after which the state to go on from is kept, again and again.
        log_every: Steps from a line of the log to the next.
        precision: Of the products.
        compile: By torch.compile.
        infer_steps: Of Adam, for the code of an unseen shape.
        infer_samples: Of each of those steps.
        infer_rate: Learning rate of them.
        infer_prior: Weight of that code's squared length.
        infer_std: Deviation of the numbers of that code at first.
        infer_by: adam as published; lm: by Levenberg and Marquardt, and a short Adam.
        infer_starts: Training codes that lm starts from.
        infer_rounds: Of lm.
        infer_polish: Steps of Adam after lm.
    """

    length: int = 256
    dims: tuple[int, ...] = (512,) * 8
    latent_in: tuple[int, ...] = (4,)
    norm_layers: tuple[int, ...] = tuple(range(8))
    weight_norm: bool = True
    dropout: tuple[int, ...] = tuple(range(8))
    dropout_prob: float = 0.2
    xyz_in_all: bool = False
    latent_dropout: bool = False
    use_tanh: bool = False
    clamp: float = 0.1
    saturating: bool = True
    code_std: float = 1.0
    code_bound: float = 1.0
    prior: float = 1e-4
    prior_warm_up: float = 100.0
    squared: bool = False
    batch: int = 64
    samples: int = 16_384
    epochs: int = 2001
    steps: int = 0
    decoder_rate: RateConfig = RateConfig(5e-4, "step")
    code_rate: RateConfig = RateConfig(1e-3, "step")
    clip: float = 0.0
    parts: int = 1
    snapshots: tuple[int, ...] = (100, 500, 1000, 2000)
    keep: int = 10
    log_every: int = 10
    precision: Precision = "fp32"
    compile: bool = False
    infer_steps: int = 800
    infer_samples: int = 8000
    infer_rate: float = 5e-3
    infer_prior: float = 1e-4
    infer_std: float = 0.01
    infer_by: Search = "adam"
    infer_starts: int = 4
    infer_rounds: int = 6
    infer_polish: int = 100


@dataclass(frozen=True)
class PcaMlpConfig:
    """A linear space on a coarse grid, sharpened by a small network (`methods.sharpened`). Lengths are normalised.

    Args:
        linear: Of the space below the network.
        dims: Widths of the network's hidden layers.
        lead: So many first numbers of a code the network gets, too.
        clamp: Distances are cut off beyond it.
        batch: Shapes of a step.
        samples: Points of each.
        steps: Of the descent.
        decoder_rate: Learning rate of the network.
        clip: Largest norm of the network's gradient; 0 for any.
        parts: Of a batch, one after the other, for less memory.
        snapshots: Steps after which the space is kept.
        keep: Steps after which the state to go on from is kept, again and again.
        log_every: Steps from a line of the log to the next.
        precision: Of the products.
        infer_steps: Of the descent that follows the linear space's code.
        infer_samples: Of each of those steps.
        infer_rate: Learning rate of them.
    """

    linear: LinearConfig = LinearConfig(cells=32, megabytes=2.6)
    dims: tuple[int, ...] = (96,) * 3
    lead: int = 32
    clamp: float = 0.1
    batch: int = 32
    samples: int = 512
    steps: int = 6000
    decoder_rate: RateConfig = RateConfig(2e-3, "cosine", final=4e-5)
    clip: float = 0.0
    parts: int = 1
    snapshots: tuple[int, ...] = ()
    keep: int = 500
    log_every: int = 10
    precision: Precision = "fp32"
    infer_steps: int = 100
    infer_samples: int = 2048
    infer_rate: float = 5e-3


ETA = 0.005
"""How far from a seen surface, along its normals, its distance is taken for known (DeepSDF, section 6.3)."""

SpaceConfig = LinearConfig | DeepSdfConfig | PcaMlpConfig
"""The settings of any method that learns a space of shapes."""
PRESETS: dict[str, SpaceConfig] = {
    "deepsdf-paper": DeepSdfConfig(),
    "deepsdf-mlp": DeepSdfConfig(
        length=64, dims=(128,) * 8, weight_norm=False, norm_layers=(), dropout=(), saturating=False, code_std=0.1,
        code_bound=0.0, squared=True, prior_warm_up=0.0, batch=32, samples=320, steps=30_000,
        decoder_rate=RateConfig(2e-3, "cosine", final=4e-5), code_rate=RateConfig(5e-3, "cosine", final=1e-4),
        snapshots=(), keep=1000, infer_samples=2048, infer_by="lm",
    ),
    "deepsdf-small": PcaMlpConfig(),
}  # fmt: skip
"""Settings by name: DeepSDF as published; its network at 0.5 MB for two CPU cores; the best of less than 3 MB there."""

DEFAULTS: dict[str, SpaceConfig] = {
    "linear": LinearConfig(), "deepsdf": PRESETS["deepsdf-mlp"], "sharpened": PRESETS["deepsdf-small"],
}  # fmt: skip
"""What each of those methods does where nobody says otherwise."""
SPACES = tuple(DEFAULTS)
"""Names of those methods; `isofield train` calls "sharpened" by its preset, deepsdf --config deepsdf-small."""


def check_linear(settings: LinearConfig) -> None:
    """Raises InputError for numbers that no linear space can have."""
    wrong = [] if settings.cells >= 4 and settings.cells % 2 == 0 else [f"cells {settings.cells} (an even number)"]
    wrong += [
        f"{name} {getattr(settings, name):g} (above 0)"
        for name in ("limit", "samples", "stiffness", "iterations", "megabytes", "length", "most", "evidence", "rounds")
        if not getattr(settings, name) > 0
    ]
    if settings.mirror not in ("auto", "-") and (not settings.mirror or not {*settings.mirror} <= {*"xyz"}):
        wrong.append(f"mirror {settings.mirror!r} (auto, - for none, or letters of xyz)")
    if wrong:
        raise InputError(f"these settings are out of range: {', '.join(wrong)}.")


def check_training(settings: DeepSdfConfig | PcaMlpConfig) -> None:
    """Raises InputError for numbers that no training can have."""
    held = {f.name: getattr(settings, f.name) for f in fields(settings)}
    above = ("length", "clamp", "batch", "samples", "parts", "keep", "log_every", "infer_samples")
    wrong = [name for name in above if name in held and not held[name] > 0]
    wrong += [name for name in ("steps", "epochs", "prior", "clip", "code_std") if name in held and not held[name] >= 0]
    wrong += [] if held["steps"] or held.get("epochs") else ["steps"]
    wrong += [] if 0 <= held.get("dropout_prob", 0) < 1 else ["dropout_prob"]
    if not held["dims"] or min(held["dims"]) < 1:
        raise InputError("dims names no layers: give the width of each, such as --dims 96 96 96.")
    if wrong:
        values = ", ".join(f"{name} {held[name]:g}" for name in wrong)
        raise InputError(f"these settings are out of range: {values}; `isofield train deepsdf --help` lists them.")


def method_of(settings: SpaceConfig) -> str:
    """The name of the method that learns a space with such settings."""
    return next(name for name, default in DEFAULTS.items() if type(default) is type(settings))
