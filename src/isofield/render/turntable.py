"""A shape that turns once around its up axis, as a GIF."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from isofield.files import atomic_write
from isofield.render.camera import Camera, best_view, core, direction, look
from isofield.render.pictures import parts, picture

if TYPE_CHECKING:
    from isofield.render.pictures import Shape

TURN, ELEVATION = 36, 20.0
"""Pictures of a turn, and degrees above the horizon."""
ANGLE = 25.0
"""Field of view of the shorter side, in degrees."""
MILLISECONDS = 80
"""Duration of a picture."""


def turntable(
    shape: Shape, path: str | os.PathLike[str], *, up: str = "y", size: tuple[int, int] = (400, 400), count: int = TURN
) -> None:
    """Write a GIF of `count` pictures of a mesh, a cloud or points (n, 3) from all around.

    up: "x", "y" or "z". size: width and height in pixels. The turn begins with a good view. The camera moves on a
    circle, so far away that every picture shows the whole shape without its far outliers. Raises InputError where
    nothing can be drawn, OutputError where the system refuses.
    """
    from PIL import Image

    points = core(parts(shape)[0])
    first = best_view(points, up)[0] if len(points) else 0.0
    images = []
    for view in orbit(points, first, up, size, count) if len(points) else [None]:
        images.append(Image.fromarray(picture(shape, view=view, up=up, size=size)).quantize(128))
    with atomic_write(path) as beside:
        images[0].save(beside, "GIF", save_all=True, append_images=images[1:], duration=MILLISECONDS, loop=0)


def orbit(points: np.ndarray, first: float, up: str, size: tuple[int, int], count: int) -> list[Camera]:
    """`count` cameras on a circle around points (n, 3), from the azimuth `first` (degrees) on; each shows all."""
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - center, axis=1).max()) or 1.0
    distance = 1.02 * radius / np.sin(np.radians(ANGLE) / 2)
    focal = min(size) / 2 / np.tan(np.radians(ANGLE) / 2)
    toward = [direction(first + 360 * k / count, ELEVATION, up) for k in range(count)]
    return [Camera(center + distance * one, look(one, up), float(focal), size[0], size[1]) for one in toward]
