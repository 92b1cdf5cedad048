"""Animations of meshes and of pictures as GIF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isofield.files import atomic_write
from isofield.render.camera import Camera
from isofield.render.pictures import picture

if TYPE_CHECKING:
    import trimesh

MILLISECONDS = 90
"""Duration of a frame."""
HOLD = 6
"""Factor on the duration of the first and the last frame."""


def animate(meshes: Sequence[trimesh.Trimesh], path: str | os.PathLike[str], *, view: Camera, up: str = "y") -> None:
    """Write a GIF that shows the meshes forward and backward in a loop, all from one camera.

    Raises `OutputError` where the file cannot be written.
    """
    write_gif([picture(mesh, view=view, up=up) for mesh in meshes], path)


def write_gif(pictures: Sequence[np.ndarray], path: str | os.PathLike[str]) -> None:
    """Write a GIF that shows pictures (h, w, 3) uint8 forward and backward in a loop.

    Raises `OutputError` where the file cannot be written.
    """
    from PIL import Image

    frames = [*pictures, *pictures[-2:0:-1]]
    durations = np.full(len(frames), MILLISECONDS)
    durations[[0, len(pictures) - 1]] *= HOLD
    images = [Image.fromarray(frame).quantize(128) for frame in frames]
    with atomic_write(path) as beside:
        images[0].save(beside, "GIF", save_all=True, append_images=images[1:], duration=durations.tolist(), loop=0)
