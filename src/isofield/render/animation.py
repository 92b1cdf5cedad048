"""Animations of meshes and of pictures: GIF, and MP4 by the package imageio-ffmpeg."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.render.camera import Camera
from isofield.render.pictures import picture

if TYPE_CHECKING:
    import trimesh

MILLISECONDS = 90
"""Duration of a frame."""
HOLD = 6
"""Factor on the duration of the first and the last frame."""
RATE = 25
"""Pictures a second of an MP4."""


def animate(meshes: Sequence[trimesh.Trimesh], path: str | os.PathLike[str], *, view: Camera, up: str = "y") -> None:
    """Write a GIF that shows the meshes forward and backward in a loop, all from one camera.

    Raises `OutputError` where the file cannot be written.
    """
    write_gif([picture(mesh, view=view, up=up) for mesh in meshes], path)


def write_gif(pictures: Sequence[np.ndarray], path: str | os.PathLike[str]) -> None:
    """Write a GIF, or an MP4, that shows pictures (h, w, 3) uint8 forward and backward in a loop.

    Raises `OutputError` where the file cannot be written.
    """
    durations = np.full(len(pictures) + max(len(pictures) - 2, 0), MILLISECONDS)
    durations[[0, len(pictures) - 1]] *= HOLD
    write_movie([*pictures, *pictures[-2:0:-1]], durations.tolist(), path)


def movie_extensions() -> tuple[str, ...]:
    """The extensions of animations that can be written here, with dots."""
    return (".gif", ".mp4") if find_spec("imageio_ffmpeg") else (".gif",)


def check_movie(path: Path) -> None:
    """Raises InputError for the path of an MP4 where imageio-ffmpeg is not installed."""
    if path.suffix.lower() == ".mp4" and ".mp4" not in movie_extensions():
        raise InputError(f"{path} needs the package imageio-ffmpeg: pip install 'isofield[video]', or end it in .gif.")


def write_movie(pictures: Sequence[np.ndarray], durations: Sequence[int], path: str | os.PathLike[str]) -> None:
    """Write pictures (h, w, 3) uint8 of one size as a GIF that loops, or as an MP4 (H.264) by the path's extension.

    durations: of each, in milliseconds; an MP4 rounds them to 1 / `RATE` s. Raises InputError as `check_movie` does,
    OutputError where the file cannot be written.
    """
    check_movie(Path(path))
    with atomic_write(path) as beside:
        if Path(path).suffix.lower() == ".mp4":
            _write_mp4(pictures, durations, beside)
            return
        from PIL import Image

        images = [Image.fromarray(one).quantize(128) for one in pictures]
        images[0].save(
            beside, "GIF", save_all=True, append_images=images[1:], duration=list(durations), loop=0
        )  # fmt: skip


def _write_mp4(pictures: Sequence[np.ndarray], durations: Sequence[int], path: Path) -> None:
    import imageio_ffmpeg

    height, width = pictures[0].shape[:2]
    even = ((0, height % 2), (0, width % 2), (0, 0))  # H.264 halves the resolution of colours
    size = (width + width % 2, height + height % 2)
    writer = imageio_ffmpeg.write_frames(
        str(path), size, fps=RATE, quality=6, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    for one, duration in zip(pictures, durations, strict=True):
        frame = np.ascontiguousarray(np.pad(one, even, mode="edge"))
        for _ in range(max(1, round(duration * RATE / 1000))):
            writer.send(frame)
    writer.close()
