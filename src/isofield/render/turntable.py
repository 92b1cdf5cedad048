"""A shape that turns once around its up axis, as an animation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from isofield.render.animation import write_movie
from isofield.render.camera import Camera, around, best_view, core, direction
from isofield.render.pictures import camera_for, parts, pictures
from isofield.render.planes import strip

if TYPE_CHECKING:
    from isofield.render.pictures import Shape

TURN, ELEVATION = 36, 20.0
"""Pictures of a turn, and degrees above the horizon."""
MILLISECONDS = 80
"""Duration of a picture."""


def turntable(
    shape: Shape, path: str | os.PathLike[str], *, up: str = "y", size: tuple[int, int] = (400, 400), count: int = TURN,
    beside: Shape | None = None,
) -> None:  # fmt: skip
    """Write a GIF or an MP4 of `count` pictures of a mesh, a cloud or points (n, 3) from all around.

    up: "x", "y" or "z". size: width and height in pixels. The turn begins with a good view. The camera moves on a
    circle, so far away that every picture shows the whole shape without its far outliers. beside: another shape, drawn
    at the left from the same cameras. Raises InputError where nothing can be drawn, and as `write_movie` does.
    """
    points = core(parts(shape)[0])
    first = best_view(points, up)[0] if len(points) else 0.0
    shapes = [shape] if beside is None else [beside, shape]
    views = orbit(points, first, up, size, count) if len(points) else [camera_for(shape, up=up, size=size)]
    turned = [strip(*tiles) for tiles in zip(*(pictures(one, views) for one in shapes), strict=True)]
    write_movie(turned, [MILLISECONDS] * len(turned), path)


def orbit(points: np.ndarray, first: float, up: str, size: tuple[int, int], count: int) -> list[Camera]:
    """`count` cameras on a circle around points (n, 3), from the azimuth `first` (degrees) on; each shows all."""
    return around(points, [direction(first + 360 * k / count, ELEVATION, up) for k in range(count)], size, up)
