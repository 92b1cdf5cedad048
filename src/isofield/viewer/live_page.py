"""The page of a surface, or of several, while they form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
import viser

from isofield.surfaces import reduced
from isofield.types import Similarity
from isofield.viewer import panels, scene
from isofield.viewer.drawing import draw_mesh, look_at

APART = 2.1
"""Distance of neighbouring surfaces in the scene."""


class LivePage:
    """A page that shows what it is given; the camera is set by the first surface."""

    def __init__(self, server: viser.ViserServer, name: str) -> None:
        self.server, self.name = server, name
        self.frame: Similarity | None = None
        self.about = server.gui.add_markdown(f"**{name}**: nothing has formed yet.")
        panels.help_of(server)

    def show(self, step: int, meshes: Sequence[trimesh.Trimesh | None]) -> None:
        """Show the surfaces of a step, side by side; None where there is no surface."""
        self.about.content = f"**{self.name}**: step {step}"
        for k, mesh in enumerate(meshes):
            if mesh is None:
                self.server.scene.remove_by_name(f"/forming/{k}")
                continue
            if self.frame is None:
                self.frame = scene.frame_of(mesh)
                look_at(self.server, self.frame.apply(mesh.vertices), scene.up_of(mesh), 1 + 0.8 * (len(meshes) - 1))
            x, y, z = self.frame.center
            place = Similarity((x - APART * (k - (len(meshes) - 1) / 2) / self.frame.scale, y, z), self.frame.scale)
            shown = reduced(mesh)[0]
            assert isinstance(shown, trimesh.Trimesh)
            draw_mesh(self.server, f"/forming/{k}", shown, place, np.array(scene.CLAY, np.uint8))
