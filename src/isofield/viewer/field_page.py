"""The page of a field: its surface at any level and resolution, and a plane through it."""

from __future__ import annotations

from typing import Any

import numpy as np
import trimesh
import viser

from isofield.api import SDF
from isofield.api.field import box
from isofield.errors import InputError
from isofield.evaluate.heatmaps import heatmap
from isofield.render.colors import colors_of_distance
from isofield.render.slices import Slice, limit_of, round_step, slice_of
from isofield.surfaces import reduced
from isofield.types import Cloud
from isofield.viewer import panels, scene, slices
from isofield.viewer.drawing import draw_lines, draw_mesh, draw_points, look_at
from isofield.viewer.latest import Latest
from isofield.viewer.panels import ROUGH

STEPS = 100
"""Steps of the level's slider on each side of the surface, at most."""
IN_SLICE = 128
"""Cells along the longer side of a slice."""
BEFORE = 0.003
"""Distance of the lines from the plane, towards the camera, in the scene."""
OBSERVED = 50_000
"""Observed points that are drawn, at most."""
CONFIDENCE, ERROR = "confidence", "error to the truth"
ON_PLANE = ("/slice", "/contours", "/level", "/gradients")
"""What a slice puts into the scene."""


def levels_of(sdf: SDF) -> tuple[float, float, float]:
    """The least and the greatest level that the slider offers, and its step, in the units of the field: down to nearly
    the least distance, and up to an eighth of the longest side of the box; 0 is one of its steps."""
    low, high = box(sdf)
    deepest, farthest = -float(np.min(sdf.grid(24).values)), float((high - low).max()) / 8
    step = round_step(max(deepest, farthest) / STEPS)
    return -max(int(0.95 * deepest / step), 1) * step, int(farthest / step) * step, step


class FieldPage:
    """The page and its state: the mesh that is shown, and the cells and the level that it has.

    worker: extracts the surface, roughly while a slider moves, finely at rest.
    """

    def __init__(
        self, server: viser.ViserServer, sdf: SDF, name: str, up: str | None, cells: int,
        truth: trimesh.Trimesh | Cloud | None = None,
    ) -> None:  # fmt: skip
        """cells: along the longest side of the surface at rest, at first. truth: in the units of the field, to colour
        the surface by its distance to it."""
        self.server, self.sdf, self.name, self.truth = server, sdf, name, truth
        self.low, self.high = box(sdf)
        self.shown = (min(ROUGH, cells), 0.0)
        self.mesh = sdf.mesh(*self.shown)
        self.frame, axis = scene.frame_of(self.mesh), scene.up_of(self.mesh, up)
        self.toward = look_at(server, self.frame.apply(np.asarray(self.mesh.vertices)), axis)
        self.about = server.gui.add_markdown("")
        self._surface_controls(cells)
        self._slice_controls("xyz".index(axis))
        panels.downloads(server, lambda: self.mesh, "surface", axis)
        panels.help_of(server, "Move **Level**; tick **Show** under Slice and move its **Position**.")
        self.worker = Latest(self._show)
        self.worker.ask()

    def _surface_controls(self, cells: int) -> None:
        gui, observed = self.server.gui, bool(len(self.sdf.points))
        ways = [scene.PLAIN, *([CONFIDENCE] if observed else []), *([ERROR] if self.truth is not None else [])]
        least, most, step = levels_of(self.sdf)
        with gui.add_folder("Surface"):
            self.level = gui.add_slider("Level", least, most, step, 0.0, hint="Distance of the surface from the shape")
            self.resolution = panels.resolutions(self.server, cells)
            self.color = gui.add_dropdown("Colour", ways, initial_value=ways[-1] if ERROR in ways else scene.PLAIN)
            self.flat = gui.add_checkbox("Flat shading", False)
            points = gui.add_checkbox("Observed points", False, visible=observed)
        for control in (self.level, self.resolution, self.color, self.flat):
            control.on_update(self._changed)
        points.on_update(lambda _: self._observed(points.value))

    def _slice_controls(self, up: int) -> None:
        gui = self.server.gui
        facing = int(np.abs(np.where(np.arange(3) == up, 0, self.toward)).argmax())
        with gui.add_folder("Slice"):
            self.visible = gui.add_checkbox("Show", False)
            self.across = gui.add_dropdown("Across", ["x", "y", "z"], initial_value="xyz"[facing])
            self.where = gui.add_slider("Position", 0.0, 1.0, 0.005, 0.5, hint="From one end of the box to the other")
            self.lines = gui.add_checkbox("Contour lines", True)
            self.pointing = gui.add_checkbox("Gradients", False)
            self.cut = gui.add_checkbox("Cut the surface", True, hint="Hide what lies in front of the slice")
            self.legend = gui.add_markdown("")
        for control in (self.visible, self.across, self.where, self.lines, self.pointing, self.cut):
            control.on_update(self._changed)

    def _changed(self, _: Any) -> None:
        self.worker.ask()

    def _show(self, rough: bool) -> None:
        """The surface and the slice as the controls are."""
        cells, level = int(self.resolution.value), self.level.value
        wanted = (min(cells, ROUGH) if rough and self.shown != (cells, level) else cells, level)
        try:
            if self.shown != wanted:
                self.mesh, self.shown = self.sdf.mesh(*wanted), wanted
        except InputError as error:
            self.about.content = f"**{self.name}**  \n{error}"
            self.server.scene.remove_by_name("/surface")
        else:
            self._surface()
        if self.visible.value:
            self._slice()
        else:
            self._remove(*ON_PLANE)
            self.legend.content = ""

    def _surface(self) -> None:
        mesh, note = reduced(self.mesh)
        assert isinstance(mesh, trimesh.Trimesh)
        if self.visible.value and self.cut.value:
            mesh = slices.cut_off(mesh, self._plane(8), self.toward)
        colors, meaning = self._colors_of(mesh)
        line = f"{scene.described(self.mesh)}, at resolution {self.shown[0]}"
        self.about.content = "  \n".join(part for part in (f"**{self.name}**", line, note, meaning) if part)
        if len(mesh.faces):
            draw_mesh(self.server, "/surface", mesh, self.frame, colors, flat=self.flat.value)
        else:
            self._remove("/surface")

    def _colors_of(self, mesh: trimesh.Trimesh) -> tuple[np.ndarray, str]:
        """The colours of a surface, and what they mean."""
        if self.color.value == CONFIDENCE and len(mesh.faces):
            meaning = "red: no observed point is near, the surface was closed without data"
            return scene.of_confidence(self.sdf.confidence(np.asarray(mesh.vertices))), meaning
        if self.color.value == ERROR and self.truth is not None and len(mesh.faces):
            heat = heatmap(mesh, self.truth)
            mean = float(heat.errors.mean())
            return heat.colors[:, :3], f"distance to the truth: mean {mean:.4g}, red from {heat.top:.4g}"
        return scene.colors_of(mesh, scene.PLAIN), ""

    def _plane(self, cells: int) -> Slice:
        """The plane of the controls, with this many cells along its longer side."""
        k = "xyz".index(self.across.value)
        position = float(self.low[k] + self.where.value * (self.high[k] - self.low[k]))
        return slice_of(lambda x: np.asarray(self.sdf(x)), self.low, self.high, k, position, cells)

    def _slice(self) -> None:
        found = self._plane(IN_SLICE)
        limit = limit_of(found.values)
        vertices, faces = slices.plane_of(found)
        sheet = trimesh.Trimesh(vertices, faces, process=False)
        colors = colors_of_distance(found.values.ravel(), limit)
        draw_mesh(self.server, "/slice", sheet, self.frame, colors, lit=False)
        text = f"{self.across.value} = {found.position:.4g}; blue inside, red outside, up to {limit:.3g}"
        if self.lines.value:
            every, zero, apart = slices.contours(found, self.level.value)
            ahead = np.zeros(3)
            ahead[found.axis] = np.sign(self.toward[found.axis]) * BEFORE / self.frame.scale
            draw_lines(self.server, "/contours", every + ahead, self.frame, (90, 90, 90), 1.0)
            draw_lines(self.server, "/level", zero + ahead, self.frame, (0, 0, 0), 3.0)
            text += f"; lines every {apart:g}"
        else:
            self._remove("/contours", "/level")
        if self.pointing.value:
            drawn = self.frame.apply(slices.arrows(found, lambda x: np.asarray(self.sdf.gradient(x))))
            self.server.scene.add_arrows(
                "/gradients", drawn, (30, 30, 30), shaft_radius=0.004, head_radius=0.012, head_length=0.03
            )
        else:
            self._remove("/gradients")
        self.legend.content = text

    def _observed(self, visible: bool) -> None:
        """The points that were fitted."""
        if not visible:
            self._remove("/points")
            return
        some, _ = reduced(Cloud(self.sdf.points, colors=self.sdf.colors), points=OBSERVED)
        assert isinstance(some, Cloud)
        way = scene.OWN if some.colors is not None else scene.PLAIN
        draw_points(self.server, "/points", some.points, self.frame, scene.colors_of(some, way), 0.006)

    def _remove(self, *names: str) -> None:
        for name in names:
            self.server.scene.remove_by_name(name)
