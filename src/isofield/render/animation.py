"""Moving pictures of meshes, as animated GIF."""

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
"""That a picture is shown."""
WAIT = 6
"""Times as long for the first and the last."""


def animate(meshes: Sequence[trimesh.Trimesh], path: str | os.PathLike[str], *, view: Camera, up: str = "y") -> None:
    """Writes a GIF that goes through the meshes and back, for ever, all from one camera.

    Raises `OutputError` where the file cannot be written.
    """
    from PIL import Image

    pictures = [picture(mesh, view=view, up=up) for mesh in meshes]
    frames = [*pictures, *pictures[-2:0:-1]]
    lasting = np.full(len(frames), MILLISECONDS)
    lasting[[0, len(pictures) - 1]] *= WAIT
    images = [Image.fromarray(frame).quantize(128) for frame in frames]
    with atomic_write(path) as beside:
        images[0].save(beside, "GIF", save_all=True, append_images=images[1:], duration=lasting.tolist(), loop=0)
