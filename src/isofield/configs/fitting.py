"""The settings of the methods that fit one shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Literal, get_args

from isofield.errors import InputError

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
    """A network (`fields.serialization.network`): its kind, hidden layers and their width; w0 is a sine network's frequency,
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
class SdfRegressionConfig:
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
    def of(
        cls, quality: Quality = "balanced", start: Start = "sides", kind: Network | None = None
    ) -> SdfRegressionConfig:
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
class SsdConfig:
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
    def of(cls, quality: Quality = "balanced") -> SsdConfig:
        """The settings of a quality: about 14, 20 and 35 seconds for 30 000 points on two CPU cores."""
        if quality == "fast":
            return cls(oriented=4000, cells=128, iterations=(100, 40, 40, 40))
        return cls(cells={"balanced": 192, "best": 256}[quality])


@dataclass(frozen=True)
class SsdSirenConfig:
    """The smooth grid, then a sine network that learns the grid's band and smooths its cells away.

    smooth: the grid's settings. steps: of the network. batch: samples a step. samples: drawn once
    from the band. width, layers, w0: of the network. learning_rate: Adam's, falling to `final` of it by a cosine.
    """

    smooth: SsdConfig = SsdConfig()
    steps: int = 1500
    batch: int = 4000
    samples: int = 400_000
    width: int = 192
    layers: int = 4
    w0: float = 20.0
    learning_rate: float = 1e-3
    final: float = 0.01

    @classmethod
    def of(cls, quality: Quality = "balanced") -> SsdSirenConfig:
        """The settings of a quality: about 20, 45 and 120 seconds for 30 000 points on two CPU cores."""
        steps = {"fast": 400, "balanced": 1500, "best": 4000}[quality]
        return cls(smooth=SsdConfig.of(quality), steps=steps)
