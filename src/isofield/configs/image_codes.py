"""Settings of codes of principal components from pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule
from isofield.configs.linear import Linear
from isofield.configs.neural_pull_image import PictureEncoder
from isofield.configs.training import Training
from isofield.errors import InputError


@dataclass(frozen=True)
class ImageCodes:
    """Pictures to codes of a linear space of the same shapes. Lengths are normalised.

    Args:
        linear: The linear space.
        encoder: What turns a picture into a code.
        flip: Half of the pictures are mirrored, and their shapes along this axis (- for none). It must be horizontal in
            the pictures, and one of the linear space's mirror axes.
        training: Batches and steps.
    """

    linear: Linear = Linear()
    encoder: PictureEncoder = PictureEncoder()
    flip: Literal["-", "x", "y", "z"] = "-"
    training: Training = Training(
        steps=3000, batch=16, keep=500, clip=5.0, beta2=0.99,
        network_rate=Schedule(1e-3, "cosine", final=2e-5, warm_up=0.05),
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.flip != "-" and self.linear.mirror != "auto" and self.flip not in self.linear.mirror:
            raise InputError(
                f"flip {self.flip} needs mirror images in the linear space: give linear.mirror {self.flip}."
            )


IMAGE_CODES = MethodSpec(
    "pictures: an encoder gives the codes of a linear space, and their certainty",
    "isofield.methods.image_codes:ImageCodesSpace", ImageCodes, reads=("views", "signed"), observes=("views",),
)  # fmt: skip
