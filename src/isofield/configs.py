"""The settings of every method: frozen dataclasses without torch, one a method; the command line is made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.metadata import entry_points
from typing import Any, Literal, get_args, get_origin, get_type_hints

from isofield.errors import InputError, perhaps

Quality = Literal["fast", "balanced", "best"]
Start = Literal["sides", "published"]
Network = Literal["siren", "mlp", "features"]
NETWORKS = get_args(Network)
"""Kinds of networks that the methods of `LEARNED` can learn."""
METHODS = ("auto", "smooth", "refined", "neural-pull", "sald", "sal", "igr", "siren", "deepsdf")
"""Names of the methods that fit one shape."""
LEARNED = ("neural-pull", "sald", "sal", "igr", "siren", "deepsdf")
"""Those that learn a network: they have a published start beside our own, and a choice of networks."""
SIGNLESS = ("sald", "sal")
"""Those whose published start needs a network that begins as a sphere, which a sine network does not."""
CLOSED = ("deepsdf",)
"""Those that need a closed mesh."""
PLUGINS = "isofield.methods"
"""Group of entry points by which methods of other packages are found: name = "module:object", an object with
`config(quality)`, which gives settings (a dataclass), and `fit(observation, settings, seed, device)`, as those here."""
RESOLUTIONS = (8, 1024)
"""Cells along the longest side of a mesh's box, at least and at most."""
FEWEST_FACES = 20
"""Fewer faces than this hold no shape."""
NOISIEST = 0.1
"""Most noise that can be given, as a fraction of the diagonal of the points' box."""


def methods() -> tuple[str, ...]:
    """Names of all methods: `METHODS`, and those of other packages that are installed."""
    return (*METHODS, *sorted({point.name for point in entry_points(group=PLUGINS)} - set(METHODS)))


def check_settings(method: str, quality: str, start: str, network: str | None) -> None:
    """Raises InputError for settings that are unknown, or that do not go together."""
    for name, value, known in (
        ("method", method, methods()),
        ("quality", quality, get_args(Quality)),
        ("start", start, get_args(Start)),
    ):
        if value not in known:
            raise InputError(f"{name} {value!r} is unknown: take one of {', '.join(known)}.")
    if network == "grid":
        raise InputError(
            "a sparse grid is solved for at once, not learned by descent: --method smooth fits it; networks are "
            f"{', '.join(NETWORKS)}."
        )
    if network is not None and network not in NETWORKS:
        raise InputError(f"network {network!r} is unknown: take one of {', '.join(NETWORKS)}.")
    if method not in LEARNED and (start != "sides" or network is not None):
        what = f"start {start!r}" if network is None else f"network {network!r}"
        raise InputError(
            f"{what} is for methods that learn a network ({', '.join(LEARNED)}), and {method!r} does not: name one of "
            "those, or leave it out."
        )
    if method in SIGNLESS and start == "published" and network == "siren":
        raise InputError(
            f"the published start of {method} needs a network that begins as a sphere, and a sine network does not: "
            "take network mlp or features, or another start."
        )


@dataclass(frozen=True)
class NetworkConfig:
    """A network (`fields.build.network`): its kind, hidden layers and their width; w0 is a sine network's frequency,
    activation the other networks' (softplus with beta = 100)."""

    kind: Network = "siren"
    width: int = 128
    layers: int = 4
    w0: float = 30.0
    activation: Literal["relu", "softplus"] = "softplus"

    @classmethod
    def of(cls, kind: Network) -> NetworkConfig:
        """A network of the kind that two CPU cores teach in a minute."""
        width, layers = {"siren": (128, 4), "mlp": (192, 5), "features": (64, 2)}[kind]
        return cls(kind, width, layers)


@dataclass(frozen=True)
class DescentConfig:
    """Adam on fresh batches: how many, of how many samples; learning_rate falls by a cosine to `final` of it, after
    rising over `warm_up` of the steps."""

    steps: int
    batch: int = 2500
    learning_rate: float = 1e-3
    warm_up: float = 0.02
    final: float = 0.01


FIRST = DescentConfig(200, warm_up=0.0, final=0.3)
"""The regression onto the rough signed distance, from which our own start of every method goes on."""
STEPS: dict[Quality, tuple[float, float]] = {"fast": (0.75, 0.2), "balanced": (1.0, 1.0), "best": (1.5, 2.5)}
"""How many steps of the regression and of the method itself a quality has, beside balanced."""


def _learning(quality: Quality, kind: Network | None, steps: int) -> tuple[NetworkConfig, DescentConfig, DescentConfig]:
    """Network, first regression and descent of our own start; `steps` in balanced quality."""
    first, own = STEPS[quality]
    network = NetworkConfig.of(kind or "siren")
    return network, replace(FIRST, steps=round(FIRST.steps * first)), DescentConfig(round(steps * own))


@dataclass(frozen=True)
class NeuralPullConfig:
    """Neural-Pull (Ma et al. 2021). Lengths are fractions of each point's distance to its k-th neighbour.

    first: regression of the network onto the rough signed distance that the points' sides give; None is the paper's
    recipe: the distance to a sphere at the start, the pull loss alone. descent: of the pull.
    neighbour: k, of a cloud of 20 000 points. scales: the queries' deviations around their points, taken in turn.
    squared: the paper's eq. 2 in place of the unsquared distance that its code computes.
    far, surface: weights of the rough signed distance away from the points, and of |f| at the points (with sides only).
    """

    network: NetworkConfig = NetworkConfig()
    first: DescentConfig | None = FIRST
    descent: DescentConfig = DescentConfig(1200)
    neighbour: int = 51
    scales: tuple[float, ...] = (0.5, 0.25)
    squared: bool = False
    far: float = 0.3
    surface: float = 0.5

    @classmethod
    def of(cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None) -> NeuralPullConfig:
        """The settings of a quality: about 12, 45 and 110 seconds on two CPU cores. Step counts never ask the clock."""
        if start == "sides":
            return cls(*_learning(quality, kind, 1200))
        return cls(
            NetworkConfig.of(kind) if kind else NetworkConfig("mlp", 256, 8, activation="relu"), None,
            DescentConfig({"fast": 70, "balanced": 250, "best": 600}[quality], 5000, warm_up=0.025, final=0.0),
            scales=(1.0, 0.5), far=0.0, surface=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class SaldConfig:
    """SAL and SALD (Atzmon and Lipman 2020, 2021). Lengths are fractions as in `NeuralPullConfig`, or normalised.

    first: as there; None is the papers' own start, the distance to a sphere. neighbour, scales: of the queries
    near the surface, half of all; the other half deviate by `wide`. direction: weight of the unsigned distance's
    gradient; 0 is SAL. side, far: weights of the sides near the surface, and of the rough signed distance in all of
    space (with sides only).
    """

    network: NetworkConfig = NetworkConfig()
    first: DescentConfig | None = FIRST
    descent: DescentConfig = DescentConfig(1200)
    neighbour: int = 51
    scales: tuple[float, ...] = (0.5, 0.15)
    wide: float = 0.3
    direction: float = 0.1
    side: float = 2.0
    far: float = 0.3

    @classmethod
    def of(
        cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None, directed: bool = True
    ) -> SaldConfig:
        """The settings of a quality: about 20, 35 to 65, and 2.5 times that, in seconds on two CPU cores.

        directed: SALD; without it SAL.
        """
        if start == "sides":
            return cls(*_learning(quality, kind, 1200), direction=0.1 if directed else 0.0)
        # The papers take the 11th (SALD) and the 51st (SAL) of 250 000 points.
        return cls(
            NetworkConfig.of(kind) if kind else NetworkConfig("mlp", 256, 8), None,
            DescentConfig({"fast": 100, "balanced": 400, "best": 1000}[quality], 2500, 5e-4, 0.0, 1.0),
            12, (0.27,) if directed else (0.58,), 0.3 if directed else 1.0, 1.0 if directed else 0.0, 0.0, 0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class IgrConfig:
    """Implicit geometric regularization (Gropp et al. 2020). Lengths are fractions as in `NeuralPullConfig`.

    first: as there. neighbour, scales: of the queries near the points; `uniform` of all queries are everywhere.
    slope, normals: weights of the eikonal term and of the normals. far: weight of the rough signed distance away from
    the points (with sides only).
    """

    network: NetworkConfig = NetworkConfig()
    first: DescentConfig | None = FIRST
    descent: DescentConfig = DescentConfig(1200)
    neighbour: int = 51
    scales: tuple[float, ...] = (1.0, 0.25)
    uniform: float = 0.125
    slope: float = 0.1
    normals: float = 1.0
    far: float = 0.3

    @classmethod
    def of(cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None) -> IgrConfig:
        """The settings of a quality: about 20, 35 to 65, and 2.5 times that, in seconds on two CPU cores."""
        if start == "sides":
            return cls(*_learning(quality, kind, 1000))
        return cls(
            NetworkConfig.of(kind) if kind else NetworkConfig("mlp", 256, 8), None,
            DescentConfig({"fast": 100, "balanced": 400, "best": 1000}[quality], 2500, 5e-3, 0.0, 0.03),
            scales=(1.0,), far=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class SirenConfig:
    """The experiment on signed distances of SIREN (Sitzmann et al. 2020), section 4.2 and eq. 6.

    first: as in `NeuralPullConfig`. surface, slope, normals, empty: weights of |f| at the points, of the slope, of the
    normals and of what is zero where no point is; sharpness: how near to zero is zero there. far: weight of the rough
    signed distance away from the points (with sides only).
    """

    network: NetworkConfig = NetworkConfig()
    first: DescentConfig | None = FIRST
    descent: DescentConfig = DescentConfig(1200)
    surface: float = 3000.0
    slope: float = 50.0
    normals: float = 100.0
    empty: float = 100.0
    sharpness: float = 100.0
    far: float = 300.0

    @classmethod
    def of(cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None) -> SirenConfig:
        """The settings of a quality: about 20, 35 to 65, and 2.5 times that, in seconds on two CPU cores."""
        if start == "sides":
            return cls(*_learning(quality, kind, 1000))
        return cls(
            NetworkConfig.of(kind) if kind else NetworkConfig("siren", 256, 4), None,
            DescentConfig({"fast": 100, "balanced": 500, "best": 1200}[quality], 2800, 1e-4, 0.0, 1.0),
            far=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class DeepSdfConfig:
    """DeepSDF (Park et al. 2019) for one shape, without a code. Lengths are normalised.

    limit: delta of the clamp. deviations: of the samples near the surface, half each; `uniform` of all samples are
    everywhere in the cube. Half of every batch is inside.
    """

    network: NetworkConfig = NetworkConfig()
    descent: DescentConfig = DescentConfig(2000)
    limit: float = 0.1
    deviations: tuple[float, ...] = (0.05, 0.01)
    uniform: float = 0.06
    samples: int = 500_000

    @classmethod
    def of(cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None) -> DeepSdfConfig:
        """The settings of a quality: about 20, 35 to 65, and 2.5 times that, in seconds on two CPU cores."""
        if start == "sides":
            network, _, descent = _learning(quality, kind, 2000)
            return cls(network, descent)
        return cls(
            NetworkConfig.of(kind) if kind else NetworkConfig("mlp", 512, 8, activation="relu"),
            DescentConfig({"fast": 50, "balanced": 200, "best": 500}[quality], 4096, 5e-4, 0.0, 1.0),
            deviations=(0.0707, 0.0224),
        )  # fmt: skip


@dataclass(frozen=True)
class SmoothConfig:
    """Smoothed signed distance (Calakli and Taubin 2011). Lengths are fractions of the longest side of the points' box.

    oriented: points whose sides are found pair by pair. cells: finest cells along that side. levels: how many times
    the coarsest cells are halved, plus one. least_cell: no cell is smaller than this share of the points' spacing.
    margin: room around the box. iterations: conjugate gradient steps of each level, coarse first; the last number
    goes on. noise_share: what part of the noise is left in a point that its neighbours have cleared of it.
    cells_per_point: from so many finest cells' faces to a point, points are sparse and weigh more. least_noise: no
    point is trusted more than this. normal_deviation: expected error of a normal, as a length of the difference.
    smoothness, smoothness_per_noise: least lambda, and lambda where the noise is as large as the points' spacing,
    both at cells of 1 / reference_cells; it shrinks with the square root of the cell. prior, prior_power: weight of
    the far prior, times sureness to that power. prior_spacings: the prior begins two cells from the points, or two
    times so many of the points' spacings. winding_cell: below this cell size the winding number is interpolated.
    """

    oriented: int = 6000
    cells: int = 192
    levels: int = 4
    least_cell: float = 0.4
    margin: float = 0.1
    iterations: tuple[int, ...] = (100, 60, 60, 60)
    noise_share: float = 0.66
    cells_per_point: float = 2.5
    least_noise: float = 0.0005
    normal_deviation: float = 0.5
    smoothness: float = 1.0
    smoothness_per_noise: float = 4.0
    reference_cells: int = 64
    prior: float = 0.3
    prior_power: float = 4.0
    prior_spacings: float = 0.5
    winding_cell: float = 0.012

    @classmethod
    def of(cls, quality: Quality = "balanced") -> SmoothConfig:
        """The settings of a quality: about 14, 20 and 35 seconds for 30 000 points on two CPU cores."""
        if quality == "fast":
            return cls(oriented=4000, cells=128, iterations=(100, 40, 40, 40))
        return cls(cells={"balanced": 192, "best": 256}[quality])


@dataclass(frozen=True)
class RefinedConfig:
    """The smooth grid, then a sine network that learns the grid's band and smooths its cells away.

    smooth: the grid's settings. steps: of the network. batch: samples a step. samples: drawn once
    from the band. width, layers, w0: of the network. learning_rate: Adam's, falling to `final` of it by a cosine.
    """

    smooth: SmoothConfig = SmoothConfig()
    steps: int = 1500
    batch: int = 4000
    samples: int = 400_000
    width: int = 192
    layers: int = 4
    w0: float = 20.0
    learning_rate: float = 1e-3
    final: float = 0.01

    @classmethod
    def of(cls, quality: Quality = "balanced") -> RefinedConfig:
        """The settings of a quality: about 20, 45 and 120 seconds for 30 000 points on two CPU cores."""
        steps = {"fast": 400, "balanced": 1500, "best": 4000}[quality]
        return cls(smooth=SmoothConfig.of(quality), steps=steps)


Samples = Literal["signed", "unsigned", "cloud", "levelset", "occupancy", "surface", "views"]
"""Kinds of training samples (`sampling.recipes`, `datasets.views`)."""
SAMPLES = get_args(Samples)
Sign = Literal["winding", "visibility", "parity"]
"""How it is told what is inside of a mesh (`datasets.signs`)."""
SIGNS = get_args(Sign)
Normalize = Literal["shape", "dataset", "none"]
"""Which similarity leads shapes into the normalised space: one each, one for all of them, none (`datasets.placing`)."""
NORMALIZE = get_args(Normalize)
Layout = Literal["auto", "deepsdf", "occupancy", "points2surf", "shapenet", "modelnet", "meshes"]
"""How the shapes of a data set lie in their folder (`datasets.layouts`); auto finds out."""


@dataclass(frozen=True)
class PrepareConfig:
    """How `isofield prepare` makes training samples of many shapes. Lengths are normalised (radius 1/1.03).

    samples: kinds, each a file a shape. count: samples of each kind. seed: with a shape's id it gives the shape's own.
    variances, near: of signed samples: bands near the surface, in equal parts, and the share of all that is there.
    level_variances: of the free points of levelset samples, as `variances`.
    normalize: each shape to the radius by itself; the data set as one, so that shapes keep their place and size beside
    each other; or none, where units are lengths of the unit ball. similarity: centre x y z and scale of the data set,
    found from all of its shapes where it is None.
    neighbour, wide: of unsigned samples: half deviate as far as the neighbour of `points` surface points, half so far.
    pull: neighbour of the cloud's queries. padding: of occupancy samples, beyond the cube. points: surface points that
    are drawn first. sign: how the inside of a mesh is told: by the winding number of its solid parts; by what cameras
    see, as DeepSDF's own preprocessing does; or by how often rays cross it. both, bad: by visibility, a shape is
    rejected beyond this share of pixels that see the other side of a face, and of faces that are seen from both sides.
    thickness: of the walls that sheets become; 0 leaves sheets out, and rejects what is mostly sheet.
    outer: keep the outer hull of overlapping parts alone. sheets, turned: a shape is rejected beyond this share of
    sheets (at thickness 0), of surface whose sides come out the wrong way round, and of surface thinner than a
    thousandth. half: write float16. views, size: how many views, of so many pixels a side.
    """

    samples: tuple[Samples, ...] = ("signed",)
    count: int = 500_000
    seed: int = 0
    variances: tuple[float, ...] = (0.005, 0.0005)
    near: float = 47 / 50
    level_variances: tuple[float, ...] = (0.05, 0.0005)
    neighbour: int = 11
    wide: float = 0.3
    pull: int = 51
    padding: float = 0.1
    points: int = 250_000
    normalize: Normalize = "shape"
    similarity: tuple[float, float, float, float] | None = None
    sign: Sign = "winding"
    both: float = 0.02
    bad: float = 0.03
    thickness: float = 0.01
    outer: bool = False
    sheets: float = 0.1
    turned: float = 0.02
    thin: float = 0.5
    half: bool = False
    views: int = 24
    size: int = 224


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

    def check(self) -> None:
        """Raises InputError for numbers that no training can have."""
        above = ("length", "clamp", "batch", "samples", "parts", "keep", "log_every", "infer_samples")
        wrong = [name for name in above if not getattr(self, name) > 0]
        wrong += [name for name in ("steps", "epochs", "prior", "clip", "code_std") if not getattr(self, name) >= 0]
        wrong += [] if self.steps or self.epochs else ["steps"]
        wrong += [] if 0 <= self.dropout_prob < 1 else ["dropout_prob"]
        if wrong:
            values = ", ".join(f"{name} {getattr(self, name):g}" for name in wrong)
            raise InputError(f"these settings are out of range: {values}; `isofield train deepsdf --help` lists them.")


@dataclass(frozen=True)
class SharpenedConfig:
    """A linear space on a coarse grid, sharpened by a small network (`methods.sharpened`). Lengths are normalised.

    linear: of the space below. dims: widths of the network's hidden layers; lead: so many first numbers of a code it
    gets, too. clamp, batch, samples, steps, decoder_rate, clip, parts, snapshots, keep, log, precision: as in
    `AutoDecoderConfig`. infer_steps, infer_samples, infer_rate: of the descent that follows the linear space's code.
    """

    linear: LinearConfig = LinearConfig(cells=32, megabytes=2.6)
    dims: tuple[int, ...] = (96,) * 3
    lead: int = 32
    clamp: float = 0.1
    batch: int = 32
    samples: int = 512
    steps: int = 12_000
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


SpaceConfig = LinearConfig | AutoDecoderConfig | SharpenedConfig
"""The settings of any method that learns a space of shapes."""
PRESETS: dict[str, SpaceConfig] = {
    "deepsdf-paper": AutoDecoderConfig(),
    "deepsdf-mlp": AutoDecoderConfig(
        length=64, dims=(128,) * 8, weight_norm=False, norm_layers=(), dropout=(), saturating=False, code_std=0.1,
        code_bound=0.0, squared=True, prior_warm_up=0.0, batch=32, samples=320, steps=30_000,
        decoder_rate=RateConfig(2e-3, "cosine", final=4e-5), code_rate=RateConfig(5e-3, "cosine", final=1e-4),
        snapshots=(), keep=1000, infer_samples=2048,
    ),
    "deepsdf-small": SharpenedConfig(),
}  # fmt: skip
"""Settings by name: DeepSDF as published; its network at 0.5 MB for two CPU cores; the best of less than 3 MB there."""

DEFAULTS: dict[str, SpaceConfig] = {
    "linear": LinearConfig(), "deepsdf": PRESETS["deepsdf-mlp"], "sharpened": PRESETS["deepsdf-small"],
}  # fmt: skip
"""What each of those methods does where nobody says otherwise."""
SPACES = tuple(DEFAULTS)
"""Names of those methods."""


def space_config(method: str, settings: Mapping[str, Any], base: SpaceConfig | None = None) -> SpaceConfig:
    """The settings of a method that learns a space, out of plain data; what is not named is as in `base`.

    Raises InputError for unknown names and for values that do not fit, KeyError for an unknown method.
    """
    made: SpaceConfig = _settled(base or type(DEFAULTS[method])(), settings, "")
    return made


def _settled(base: Any, settings: Mapping[str, Any], above: str) -> Any:
    """A dataclass with some of its fields replaced by plain data; above: what its own name begins with."""
    known, values = {f.name: getattr(base, f.name) for f in fields(base)}, {}
    kinds = get_type_hints(type(base))
    for name, value in settings.items():
        if name not in known:
            raise InputError(f"there is no setting '{above}{name}'{perhaps(str(name), known)}; take --help's names.")
        try:
            values[name] = _as(kinds[name], value, known[name], f"{above}{name}.")
        except InputError:  # of a setting within
            raise
        except (TypeError, ValueError):
            raise InputError(f"the setting '{above}{name}' cannot be {value!r}: see what --help says of it.") from None
    return replace(base, **values)


def _as(kind: Any, value: Any, before: Any, above: str) -> Any:
    """Plain data as the type of a field. Raises TypeError or ValueError where they are no such thing."""
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise TypeError
        return _settled(before, value, above)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        return tuple(_as(get_args(kind)[0], one, None, above) for one in value)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise TypeError
        return value
    if kind is int:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    if kind is float:
        if isinstance(value, bool) or math.isnan(float(value)):
            raise TypeError
        return float(value)  # YAML takes 5e-4, without a point, for a word
    if not isinstance(value, kind):
        raise TypeError
    return value
