"""The settings of the methods that learn a space of shapes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from isofield.errors import InputError


@dataclass(frozen=True)
class LinearConfig:
    """A linear space of shapes: principal components of truncated distance grids. Lengths are normalised.

    cells: of the grid along each side. limit: beyond it distances are cut off. samples: of each shape, for its grid.
    stiffness, iterations: of that grid (`methods.gridding`). megabytes: of the components, at most; there are at most
    `length` of them. mirror: axes along which the mirror image of a shape counts as a shape, or "auto": those that
    make shapes that were left out better known. most: of so many shapes the components are taken.
    evidence, ridge, rounds: samples, prior and rounds of the robust fit of a code. detail, bend: samples and stiffness
    of the residual grid that an unseen shape gets beside its code; levels, smooth: finer grids after it near the
    surface, each of half the cells, and their stiffness.
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

    step: initial * factor^(epoch // length). warmup: from initial to final over `length` epochs, then final. constant:
    initial. cosine: a rise to initial over the part `rise` of all steps, then a fall by a cosine to final.
    """

    initial: float
    kind: RateKind = "constant"
    length: int = 500
    factor: float = 0.5
    final: float = 0.0
    rise: float = 0.02


@dataclass(frozen=True)
class AutoDecoderConfig:
    """DeepSDF's auto-decoder (`methods.auto_decoder`); the defaults are the published numbers. Lengths are normalised.

    length: of a code. dims, latent_in, norm_layers, weight_norm, dropout, dropout_prob, xyz_in_all, latent_dropout,
    use_tanh: of the network (`fields.decoder`). clamp: beyond it distances are cut off; saturating: as
    published, values beyond it have no slope even where they are wrong. code_std: deviation of a first
    code's length; code_bound: no code is longer, 0 for no bound. prior: weight of the codes' lengths, which rises over
    the first `prior_warm_up` epochs; squared: of their squares.
    batch: shapes a step; samples: points of each, half of them inside. epochs: through all shapes; steps: so many in
    place of epochs, where above 0. decoder_rate, code_rate: learning rates; code_rate.initial 0 leaves codes as they
    begin. clip: largest norm of the network's gradient, 0 for any. parts: of a batch, one after the other, for less
    memory. snapshots: numbers of epochs (of steps, where those are given) after which the space is kept; keep: so
    often the state to go on from; log_every: a line of the log every so many steps. precision: of the products.
    compile: by torch.compile.
    infer_steps, infer_samples, infer_rate, infer_prior, infer_std: of Adam for the code of an unseen shape. infer_by:
    "lm" finds it by Levenberg and Marquardt, from so many training codes (infer_starts) in infer_rounds rounds, and
    infer_polish steps of Adam.
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
class SharpenedConfig:
    """A linear space on a coarse grid, sharpened by a small network (`methods.sharpened`). Lengths are normalised.

    linear: of the space below. dims: widths of the network's hidden layers; lead: so many first numbers of a code it
    gets, too. clamp, batch, samples, steps, decoder_rate, clip, parts, snapshots, keep, log_every, precision: as in
    `AutoDecoderConfig`. infer_steps, infer_samples, infer_rate: of the descent that follows the linear space's code.
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

SpaceConfig = LinearConfig | AutoDecoderConfig | SharpenedConfig
"""The settings of any method that learns a space of shapes."""
PRESETS: dict[str, SpaceConfig] = {
    "deepsdf-paper": AutoDecoderConfig(),
    "deepsdf-mlp": AutoDecoderConfig(
        length=64, dims=(128,) * 8, weight_norm=False, norm_layers=(), dropout=(), saturating=False, code_std=0.1,
        code_bound=0.0, squared=True, prior_warm_up=0.0, batch=32, samples=320, steps=30_000,
        decoder_rate=RateConfig(2e-3, "cosine", final=4e-5), code_rate=RateConfig(5e-3, "cosine", final=1e-4),
        snapshots=(), keep=1000, infer_samples=2048, infer_by="lm",
    ),
    "deepsdf-small": SharpenedConfig(),
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


def check_training(settings: AutoDecoderConfig | SharpenedConfig) -> None:
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
