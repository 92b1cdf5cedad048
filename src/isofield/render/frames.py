"""A surface at the steps of its training: pictures from one camera, a strip of some of them, and an animation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError
from isofield.render.animation import write_gif
from isofield.render.camera import up_axis
from isofield.render.figures import save
from isofield.render.pictures import camera_for, picture
from isofield.render.planes import strip

if TYPE_CHECKING:
    import trimesh

GROWTH = 1.25
"""A frame is kept when the step is this many times that of the frame before, or the next one."""
SIZE = (320, 320)
"""Pixels of a surface in a frame."""
IN_STRIP = 8
"""Frames in the strip."""


class Frames:
    """Surfaces kept at steps that are spaced by their logarithm; the last one added is always kept."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, list[trimesh.Trimesh | None]]] = []

    def due(self, step: int) -> bool:
        """Whether the surfaces of this step (from 1) are to be added."""
        return not self.kept or step >= max(self.kept[-1][0] + 1, round(GROWTH * self.kept[-1][0]))

    def add(self, step: int, meshes: Sequence[trimesh.Trimesh | None]) -> None:
        """Keep the surfaces of a step, side by side in its frame; None where there is no surface."""
        self.kept = [*(one for one in self.kept if one[0] < step), (step, list(meshes))]

    def write(self, folder: str | os.PathLike[str]) -> list[str]:
        """Write 000001.png and so on, one for each kept step, strip.png and forming.gif; returns their names.

        Every picture has the camera of the last surface. Raises InputError where no step had a surface, OutputError
        where the system refuses.
        """
        shown = [mesh for _, meshes in self.kept for mesh in meshes if mesh is not None]
        if not shown:
            raise InputError(f"{folder} was not written because no step had a surface: train longer.")
        up = up_axis(shown[-1].vertices)
        view = camera_for(shown[-1], size=SIZE, up=up)
        blank = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
        drawn = [
            strip(*(blank if mesh is None else picture(mesh, view=view, up=up) for mesh in meshes))
            for _, meshes in self.kept
        ]
        some = np.unique(np.linspace(0, len(drawn) - 1, min(IN_STRIP, len(drawn))).round().astype(int))
        pictures = {f"{step:06d}.png": one for (step, _), one in zip(self.kept, drawn, strict=True)}
        pictures["strip.png"] = strip(*(drawn[k] for k in some))
        names = []
        for name, one in pictures.items():
            save(one, Path(folder) / name)
            names.append(str(Path(folder) / name))
        write_gif(drawn, Path(folder) / "forming.gif")
        return [*names, str(Path(folder) / "forming.gif")]
