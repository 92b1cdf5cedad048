"""Settings of a space of occupancies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_fraction, check_range
from isofield.configs.neural_pull_image import PictureEncoder
from isofield.configs.preparing import SampleKind
from isofield.configs.training import Frame, Training, check_axes, check_dims
from isofield.errors import InputError

Input = Literal["image", "cloud", "voxels", "none"]


@dataclass(frozen=True)
class Occupancy:
    """An occupancy network (Mescheder et al. 2019). Lengths are normalised.

    Args:
        input: What a code is made from: a picture, a cloud, a grid of voxels, or none: a table of codes, for which the
            code of an unseen closed mesh is found by descent.
        length: Length of a code.
        dims: Widths of the decoder's hidden layers.
        rejoin: Layers that get the point and the code again.
        frequencies: The decoder gets sin(2^k x) and cos(2^k x) for k below this beside x.
        width: Width of the layers of the encoder of a cloud, and of that of the queries.
        rounds: Layers of the encoder of a cloud that get the maxima over all points.
        points: Points that the encoder of a cloud gets.
        noise: Standard deviation of these in training.
        reframe: Fraction of the training clouds that are normalised by their own noisy points, as unseen clouds are;
            0 for a data set that was prepared with --normalize dataset or none.
        picture: The encoder of pictures.
        frame: The axes of the shapes: those of the data set or, for input image, the camera's (right, up, toward the
            viewer).
        cells: Voxels along each side of the cube from -1 to 1.
        channels: Channels of the first layer of the encoder of voxels.
        samples: Queries of each shape of a batch.
        inside: Half of the queries are inside, and the logits are corrected for it; so are half of the points that an
            encoder of queries gets.
        kl: Weight of the Kullback-Leibler divergence of a variational encoder: 1 is the evidence lower bound of 2048
            queries, as published; with 0 codes do not vary. With input none an encoder of the queries takes the place
            of the table.
        prior: Weight of the mean squared entry of a code of the table, and of an unseen shape by descent.
        code_std: Deviation of the first codes of the table.
        training: Batches and steps; the learning rate of the codes is for input none.
        infer_steps: Adam steps on the code of an unseen shape (input none).
        infer_samples: Queries of each of those steps.
        infer_rate: Their learning rate; codes count in units of the training codes' deviation.
    """

    input: Input = "cloud"
    length: int = 256
    dims: tuple[int, ...] = (256,) * 10
    rejoin: tuple[int, ...] = ()
    frequencies: int = 0
    width: int = 256
    rounds: int = 4
    points: int = 300
    noise: float = 0.01
    reframe: float = 0.0
    picture: PictureEncoder = PictureEncoder(64, 224)
    frame: Frame = "dataset"
    cells: int = 32
    channels: int = 32
    samples: int = 2048
    inside: bool = False
    kl: float = 0.0
    prior: float = 1e-4
    code_std: float = 0.1
    training: Training = Training(
        steps=300_000, batch=64, keep=2000, network_rate=Schedule(1e-4), code_rate=Schedule(1e-3)
    )
    infer_steps: int = 300
    infer_samples: int = 2048
    infer_rate: float = 0.05

    def __post_init__(self) -> None:
        check_range(self, "length", "width", "channels", "points", "samples", "infer_samples", least=1)
        check_range(self, "cells", least=4)
        check_range(self, "infer_rate", above=0)
        check_fraction(self, "reframe")
        check_axes(self.frame, self.training)
        if self.frame == "camera" and self.input != "image":
            raise InputError(f"input {self.input} has no camera: leave frame out, or give input image.")
        if self.kl and self.input == "image":
            raise InputError("the encoder of pictures is not variational: give kl 0, or another input.")
        check_dims(self.dims)
        check_fields(self)
        if self.table and not self.training.code_rate.initial:
            raise InputError("a table of codes needs a learning rate of the codes: give code_rate an initial above 0.")

    @property
    def table(self) -> bool:
        """Whether codes are a table."""
        return self.input == "none" and not self.kl


PAPER = Occupancy()
SMALL = Occupancy(
    length=128, dims=(192,) * 5, frequencies=3, width=128, rounds=3, reframe=0.5, picture=PictureEncoder(),
    channels=16, samples=512, inside=True,
    training=Training(
        steps=6000, batch=16, keep=500, clip=1.0, beta2=0.99,
        network_rate=Schedule(1e-3, "cosine", final=2e-5, warm_up=0.02),
        code_rate=Schedule(5e-3, "cosine", final=1e-4, warm_up=0.02),
    ),
)  # fmt: skip
"""Minutes on two CPU cores."""


def reads(config: Occupancy) -> tuple[SampleKind, ...]:
    """The kinds of samples of a training shape."""
    pictured = ("views", "cameras") if config.frame == "camera" else ("views",)
    return ("occupancy", "surface", *(pictured if config.input == "image" else ()))


def observes(config: Occupancy) -> tuple[SampleKind, ...]:
    """The kinds of samples of an unseen shape."""
    match config.input:
        case "image":
            return ("views",)
        case "none":
            return ("occupancy", "surface")
    return ("surface",)


OCCUPANCY = MethodSpec(
    "occupancy networks, the baseline: inside or outside, from a cloud, voxels, a picture, or a table of codes",
    "isofield.methods.occupancy:OccupancySpace", lambda: SMALL,
    {"occupancy-small": SMALL, "occupancy-paper": PAPER}, reads=reads, observes=observes,
)  # fmt: skip
