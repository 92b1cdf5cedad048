"""The encoder of pictures that methods share: its start, a picture for a step, and the pictures of an unseen shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.configs import PictureEncoder
from isofield.fields.resnet import ResNet
from isofield.sampling.view_pictures import at_size, random_view, some_views
from isofield.threads import deterministic
from isofield.types import Shape


def picture_encoder(
    length: int, config: PictureEncoder, shapes: Sequence[Shape], seed: int, generator: torch.Generator, first: float
) -> ResNet:
    """A ResNet from pictures to (b, length), whose features are standardized on views of the shapes.

    generator: draws its weights. first: the deviation of its first results.
    """
    net = ResNet(length, config.width, generator)
    seen = some_views([shape.rows["views"] for shape in shapes], config.pixels, np.random.default_rng(seed))
    with deterministic():
        net.standardize(torch.from_numpy(seen), first)
    return net


def drawn_picture(shape: Shape, config: PictureEncoder, random: np.random.Generator) -> tuple[int, np.ndarray]:
    """The number of a random view of a shape, and its picture (1, 3, p, p) uint8."""
    number, picture = random_view(shape.rows["views"], config.pixels, config.crop, random)
    return number, picture[None]


def pictures_of(shape: Shape, config: PictureEncoder, device: str) -> Tensor:
    """All pictures (v, 3, p, p) uint8 of a shape."""
    return torch.from_numpy(at_size(shape.rows["views"], config.pixels)).to(device)
