"""Settings of SAL's and SALD's spaces of shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.preparing import SampleKind
from isofield.configs.training import Training, check_dims
from isofield.errors import InputError


@dataclass(frozen=True)
class PointEncoder:
    """What gives the mean and the deviation of a code: a PointNet, or a network that sees a cloud from a basis.

    Args:
        width: Width of its layers.
        basis: Points of a basis: the encoder sees the offset from each to the nearest point of the cloud, for shapes
            in one frame; 0: a PointNet.
        rounds: Layers of a PointNet that get the maxima over all points, beside the features of a point; with a basis,
            corrections of the code by the decoder's values at the points.
        points: Points that it gets.
        normals: It gets the normals of the points, too, as the triangles are wound.
        keep_scale: Its first weights keep the size of features from layer to layer (He et al. 2015); otherwise they are
            torch's own, as published, with which it begins to learn late.
        regularizer: Weight of mean |mean| + mean |log deviation + 1|.
    """

    width: int = 512
    basis: int = 0
    rounds: int = 3
    points: int = 8100
    normals: bool = False
    keep_scale: bool = False
    regularizer: float = 1e-3

    def __post_init__(self) -> None:
        check_range(self, "width", "points", least=1)
        check_fields(self)


@dataclass(frozen=True)
class Augmentation:
    """Random copies of the training shapes, a new one in every step.

    Args:
        mirror: Axes along which half of the copies are mirrored (letters of xyz, - for none).
        scale: Copies are e^s times as large and stand on the same floor; s is uniform up to this.
        turn: Copies are turned about `axis` by up to this many degrees.
        axis: The vertical axis of the data set.
        warps: Smoothly warped copies of each shape, made once, that count as much as the shape itself.
        warp: Deviation of their displacement, as a fraction of a shape's radius.
    """

    mirror: str = "-"
    scale: float = 0.0
    turn: float = 0.0
    axis: Literal["x", "y", "z"] = "y"
    warps: int = 0
    warp: float = 0.06

    def __post_init__(self) -> None:
        check_fields(self)
        if self.mirror != "-" and (not self.mirror or not {*self.mirror} <= {*"xyz"}):
            raise InputError(f"mirror {self.mirror!r} is invalid: give - for none, or letters of xyz.")

    @property
    def active(self) -> bool:
        """Whether copies differ from the shapes."""
        return self.mirror != "-" or self.scale > 0 or self.turn > 0 or self.warps > 0


@dataclass(frozen=True)
class SaldSpace:
    """A space of SAL or SALD (Atzmon and Lipman 2020, 2021). Lengths are normalised.

    Args:
        length: Length of a code.
        dims: Widths of the network's hidden layers.
        skip: Layers that get the point and the code again.
        activation: relu (SAL), or softplus with beta = 100 (SALD).
        norm_layers: Layers with weight norm.
        radius: Radius of the sphere that the network starts as.
        slope: Slope of its distance there; SAL's release has 2.
        same_start: The network starts as that sphere for every code.
        encoder: What gives the codes; None: a table of codes (an auto-decoder).
        direction: Weight of the gradient of the unsigned distance; 0 leaves it out, as SAL does.
        normals: Weight of the normals on the surface, up to their sign.
        prior: Weight of the mean squared entry of a code of the table.
        augmentation: Random copies of the training shapes; they need an encoder.
        training: Batches and steps.
        samples: Queries of each shape of a batch.
        infer_by: The code of an unseen shape: encoder; code, by Adam from 0; both, by Adam from the encoder's; lm, by
            Levenberg-Marquardt from the encoder's and the best training codes, and a short Adam.
        infer_draws: Draws of points whose codes are averaged.
        infer_steps: Adam steps on the code (code and both).
        infer_samples: Queries of each of those steps.
        infer_rate: Their learning rate; a tenth of it after half of the steps.
        infer_direction: Weight of the gradient of the unsigned distance there.
        infer_prior: Weight of the code's mean squared entry there.
        infer_relative: Codes count there from the mean of the training codes, in units of their deviation.
        infer_starts: Starts of lm.
        infer_rounds: Rounds of lm.
        infer_polish: Adam steps after lm.
    """

    length: int = 256
    dims: tuple[int, ...] = (512,) * 8
    skip: tuple[int, ...] = (4,)
    activation: Literal["relu", "softplus"] = "softplus"
    norm_layers: tuple[int, ...] = tuple(range(9))
    radius: float = 1.0
    slope: float = 1.0
    same_start: bool = False
    encoder: PointEncoder | None = PointEncoder()
    direction: float = 1.0
    normals: float = 0.0
    prior: float = 1e-3
    augmentation: Augmentation = Augmentation()
    training: Training = Training(epochs=5000, batch=32, keep=50, network_rate=Schedule(5e-4))
    samples: int = 8100
    infer_by: Literal["encoder", "code", "both", "lm"] = "encoder"
    infer_draws: int = 1
    infer_steps: int = 800
    infer_samples: int = 8100
    infer_rate: float = 1e-3
    infer_direction: float = 0.1
    infer_prior: float = 1e-3
    infer_relative: bool = False
    infer_starts: int = 4
    infer_rounds: int = 8
    infer_polish: int = 60

    def __post_init__(self) -> None:
        check_range(self, "length", "radius", "slope", "infer_rate", above=0)
        check_range(self, "samples", "infer_samples", "infer_draws", "infer_starts", least=1)
        check_dims(self.dims)
        check_fields(self)
        if self.encoder is None and self.augmentation.active:
            raise InputError(
                "augmentation needs an encoder, since a table has one code for all copies: give it mirror -, scale 0, "
                "turn 0 and warps 0, or take the preset sald-small-table."
            )
        if self.encoder is None and self.infer_by in ("encoder", "both"):
            raise InputError(f"infer_by {self.infer_by} needs an encoder: take code or lm.")
        if (self.direction or self.infer_direction or self.normals) and self.activation == "relu":
            raise InputError(
                "the gradient of a ReLU network is constant in pieces: take activation softplus, or give direction, "
                "infer_direction and normals the weight 0."
            )


SALD_PAPER = SaldSpace()
SALD_PAPER_TABLE = replace(
    SALD_PAPER, encoder=None, infer_by="code",
    training=replace(SALD_PAPER.training, code_rate=Schedule(1e-3), code_bound=1.0),
)  # fmt: skip
SAL_PAPER = replace(
    SALD_PAPER, activation="relu", radius=0.5, slope=2.0, norm_layers=tuple(range(8)), direction=0.0,
    infer_direction=0.0, encoder=PointEncoder(points=16_384), samples=16_384,
    training=Training(epochs=2000, batch=64, keep=50, network_rate=Schedule(5e-4, "step")),
)  # fmt: skip
SALD_SMALL = SaldSpace(
    length=64, dims=(128,) * 8, norm_layers=(), radius=0.5, same_start=True,
    encoder=PointEncoder(basis=256, rounds=2, points=512, regularizer=1e-4), direction=0.1, prior=1e-4,
    samples=96, augmentation=Augmentation(mirror="x", scale=0.2, turn=7.0, warps=15),
    training=Training(
        steps=12_000, batch=12, keep=500, clip=5.0, beta2=0.99,
        network_rate=Schedule(1.5e-3, "cosine", final=4e-5, warm_up=0.02),
    ),
    infer_by="lm", infer_draws=8, infer_steps=200, infer_samples=2048, infer_rate=0.1, infer_prior=1e-5,
    infer_relative=True,
)  # fmt: skip
"""A decoder of 0.5 MB, for two CPU cores."""
SALD_SMALL_TABLE = replace(
    SALD_SMALL, encoder=None, augmentation=Augmentation(), samples=224,
    training=replace(
        SALD_SMALL.training, steps=12_000, batch=8,
        network_rate=Schedule(2e-3, "cosine", final=4e-5, warm_up=0.02),
        code_rate=Schedule(5e-3, "cosine", final=1e-4, warm_up=0.02),
    ),
)  # fmt: skip
SAL_SMALL = replace(
    SALD_SMALL, activation="relu", direction=0.0, infer_direction=0.0,
    training=replace(SALD_SMALL.training, steps=6000),
)  # fmt: skip
"""Half of the steps: no gradient term keeps the signs, and after 24 000 steps |f| = d with f > 0 on both sides."""
READS: tuple[SampleKind, ...] = ("unsigned", "surface")
SALD = MethodSpec(
    "raw scans: unsigned distances and their gradients, with an encoder", "isofield.methods.sald_space:SaldShapeSpace",
    lambda: SALD_SMALL, {
        "sald-small": SALD_SMALL, "sald-small-table": SALD_SMALL_TABLE, "sald-paper": SALD_PAPER,
        "sald-paper-table": SALD_PAPER_TABLE,
    }, reads=READS,
)  # fmt: skip
SAL = MethodSpec(
    "raw scans: unsigned distances, with an encoder", "isofield.methods.sald_space:SaldShapeSpace", lambda: SAL_SMALL,
    {"sal-small": SAL_SMALL, "sal-paper": SAL_PAPER}, reads=READS,
)  # fmt: skip
