"""Settings of Neural-Pull from pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.training import Frame, Training, check_axes, check_dims
from isofield.errors import InputError

SMALLEST = 32
"""Fewest pixels along a side of a picture that an encoder reads."""


@dataclass(frozen=True)
class PictureEncoder:
    """A ResNet-18 from pictures to codes.

    Args:
        width: Channels of its first stage; 64 in ResNet-18.
        pixels: Pixels along each side of a picture that it reads; prepared pictures are scaled to it.
        crop: It learns from random square parts of the pictures with at least this fraction of their side (0.75 in
            Occupancy Networks); 1: from whole pictures.
    """

    width: int = 32
    pixels: int = 96
    crop: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, "width", least=1)
        check_range(self, "pixels", least=SMALLEST)
        check_fields(self)
        if not 0 < self.crop <= 1:
            raise InputError(f"crop must be a fraction above 0, at most 1, not {self.crop:g}.")


@dataclass(frozen=True)
class NeuralPullImage:
    """Neural-Pull from a single picture (Ma et al. 2021). Lengths are normalised.

    Args:
        length: Length of a code.
        dims: Widths of the network's hidden layers.
        skip: Layers that get the point and the code again.
        activation: relu, as published, or softplus with beta = 100.
        radius: Radius of the sphere that the network starts as, for every picture.
        encoder: What turns a picture into a code.
        frame: The axes of the shapes: those of the data set, where its shapes are aligned, or the camera's (right, up,
            toward the viewer).
        loss: The distance of the pulled queries to their nearest points (nearest); or, as released, the Chamfer
            distance of these two sets (chamfer).
        training: Batches and steps.
        samples: Queries of each shape of a batch.
    """

    length: int = 64
    dims: tuple[int, ...] = (128,) * 8
    skip: tuple[int, ...] = (4,)
    activation: Literal["relu", "softplus"] = "softplus"
    radius: float = 0.5
    encoder: PictureEncoder = PictureEncoder()
    frame: Frame = "dataset"
    loss: Literal["nearest", "chamfer"] = "nearest"
    training: Training = Training(
        steps=5000, batch=8, keep=500, clip=5.0, beta2=0.99,
        network_rate=Schedule(3e-4, "cosine", final=2e-5, warm_up=0.05),
    )  # fmt: skip
    samples: int = 256

    def __post_init__(self) -> None:
        check_range(self, "length", "radius", above=0)
        check_range(self, "samples", least=1)
        check_axes(self.frame, self.training)
        check_dims(self.dims)
        check_fields(self)


SMALL = NeuralPullImage()
"""For two CPU cores and an hour. At a rate of 1e-3 shapes may lose their signs."""
PAPER = replace(
    SMALL, length=128, dims=(512,) * 9, skip=(1,), activation="relu", encoder=PictureEncoder(64, 224), loss="chamfer",
    samples=5000, training=Training(steps=4_000_000, batch=1, keep=100, network_rate=Schedule(1e-4)),
)  # fmt: skip
"""The released code, but for its encoder, whose weights it never learns."""
CAMERA = replace(SMALL, frame="camera")
"""For shapes that are not aligned with each other."""
NEURAL_PULL_IMAGE = MethodSpec(
    "a shape from a single picture, learned by pulling queries onto clouds",
    "isofield.methods.neural_pull_image:NeuralPullImageSpace", lambda: SMALL,
    {"neural-pull-image-small": SMALL, "neural-pull-image-camera": CAMERA, "neural-pull-image-paper": PAPER},
    reads=("views", "cameras", "cloud"), observes=("views",),
)  # fmt: skip
