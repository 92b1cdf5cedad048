"""The encoder of pictures that methods share: its start, a picture for a step, and the pictures of an unseen shape; and
the frame of a picture's camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.configs import PictureEncoder
from isofield.configs.training import Frame
from isofield.fields.resnet import ResNet
from isofield.threads import deterministic
from isofield.types import Shape

UPRIGHT = np.diag([1.0, -1.0, -1.0])
"""From a camera's axes, right, down and forward, to right, up and toward the viewer."""


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


def turn_of(camera: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) from a shape to one of its cameras (3, 4): right, up, toward the viewer; without the scale
    that some data sets' cameras have."""
    left, _, right = np.linalg.svd(camera[:, :3])
    return np.asarray(UPRIGHT @ left @ right)


def framed(points: np.ndarray, shape: Shape, number: int, frame: Frame) -> np.ndarray:
    """Points (..., 3) of a shape, float32, in the frame that its shapes have for a picture of this number."""
    if frame == "dataset":
        return points
    return points @ turn_of(shape.rows["cameras"][number]).T.astype(np.float32)


def pictures_of(shape: Shape, config: PictureEncoder, frame: Frame, device: str) -> Tensor:
    """The pictures (v, 3, p, p) uint8 that give a shape its code: all, or in the camera's frame the first, since each
    has a frame of its own."""
    views = shape.rows["views"][: 1 if frame == "camera" else None]
    return torch.from_numpy(at_size(views, config.pixels)).to(device)


def at_size(pictures: np.ndarray, size: int) -> np.ndarray:
    """Pictures (v, 3, s, s) uint8 at size x size pixels, bilinear with a filter as wide as they shrink."""
    return np.stack([_resized(picture, size, (0.0, 0.0, *picture.shape[:0:-1])) for picture in pictures])


def random_view(views: np.ndarray, size: int, crop: float, random: np.random.Generator) -> tuple[int, np.ndarray]:
    """One of the views and its number: (3, size, size) uint8, of a random square part whose side is a fraction from
    `crop` to 1 of the picture's, as in Occupancy Networks (crop 0.75); crop 1: all of it."""
    number = int(random.integers(len(views)))
    side = views.shape[-1] * (1.0 if crop == 1 else random.uniform(crop, 1))
    left, top = random.uniform(0, views.shape[-1] - side, 2) if crop < 1 else (0.0, 0.0)
    return number, _resized(views[number], size, (left, top, left + side, top + side))


def _resized(picture: np.ndarray, size: int, box: tuple[float, float, float, float]) -> np.ndarray:
    """The box (left, top, right, bottom) of a picture (3, s, s) uint8 at size x size pixels."""
    from PIL import Image

    if picture.shape[-1] == size and box == (0, 0, size, size):
        return np.asarray(picture)
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    scaled = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box))
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def some_views(views: Sequence[np.ndarray], size: int, random: np.random.Generator) -> np.ndarray:
    """(64, 3, size, size) uint8: random views of random shapes."""
    chosen = random.integers(len(views), size=64)
    return np.stack([random_view(views[row], size, 1.0, random)[1] for row in chosen])
