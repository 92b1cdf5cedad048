"""Settings of votes of pictures for codes of a linear space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from isofield.configs.common import MethodSpec, Schedule, check_fields, check_range
from isofield.configs.linear import Linear
from isofield.configs.neural_pull_image import PictureEncoder
from isofield.configs.preparing import SampleKind
from isofield.configs.training import Frame, Training, check_axes
from isofield.errors import InputError


@dataclass(frozen=True)
class ImageCodes:
    """Pictures to codes of a linear space of the same shapes. Lengths are normalised.

    Args:
        linear: The linear space.
        encoder: What turns a picture into a code.
        frame: The axes of the shapes: those of the data set, where its shapes are aligned, or the camera's (right, up,
            toward the viewer).
        flip: Half of the pictures are mirrored, and their shapes along this axis (- for none). It must be horizontal in
            the pictures, and one of the linear space's mirror axes. In the camera's frame x mirrors left to right, and
            xy upside down as well.
        level: The surface is where the field of a code has this value (normalised), above 0 to keep parts that are only
            probable; or halfway from its least value to the linear space's limit, where that is more.
        likelihood: Weight of the negative logarithm of the probability of a shape's own code among all known codes.
        pull: Weight of the distance of queries that the field of a code pulls to the points of the cloud nearest to
            them (needs cloud samples); 0: none.
        samples: Queries of each shape of a batch.
        training: Batches and steps.
    """

    linear: Linear = Linear()
    encoder: PictureEncoder = PictureEncoder(width=16, pixels=64)
    frame: Frame = "dataset"
    flip: Literal["-", "x", "y", "z", "xy"] = "-"
    level: float = 0.0
    likelihood: float = 0.5
    pull: float = 10.0
    samples: int = 64
    training: Training = Training(
        steps=5000, batch=32, keep=500, clip=5.0, beta2=0.99,
        network_rate=Schedule(1e-3, "cosine", final=2e-5, warm_up=0.05),
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_fields(self)
        check_range(self, "samples", least=1)
        check_axes(self.frame, self.training)
        if (self.frame == "camera" and "z" in self.flip) or (self.frame == "dataset" and self.flip == "xy"):
            raise InputError(
                f"flip {self.flip} mirrors what a picture does not: give one of -, x and, with the camera's frame, xy."
            )
        if self.flip != "-" and self.linear.mirror != "auto" and not {*self.flip} <= {*self.linear.mirror}:
            raise InputError(
                f"flip {self.flip} needs mirror images in the linear space: give linear.mirror {self.flip}."
            )


def reads(config: ImageCodes) -> tuple[SampleKind, ...]:
    """The kinds of samples of a training shape."""
    return (
        "views", *(("cameras",) if config.frame == "camera" else ()), "signed", *(("cloud",) if config.pull else ()),
    )  # fmt: skip


CAMERA = ImageCodes(
    linear=Linear(cells=32, limit=0.1, length=384, most=2400, mirror="xy"), frame="camera", flip="xy", level=0.02,
    pull=0.0, training=replace(ImageCodes.training, steps=10_000),
)  # fmt: skip
"""For shapes that are not aligned with each other."""
IMAGE_CODES = MethodSpec(
    "pictures, which vote for the codes of a linear space of the same shapes",
    "isofield.methods.image_codes:ImageCodesSpace", ImageCodes, {"image-codes-camera": CAMERA}, reads=reads,
    observes=("views",),
)  # fmt: skip
