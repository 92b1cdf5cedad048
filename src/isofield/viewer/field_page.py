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
from isofield.types import Cloud
from isofield.viewer import panels, scene, slices
from isofield.viewer.drawing import draw_lines, draw_mesh, draw_points, look_at
from isofield.viewer.latest import Latest
from isofield.viewer.panels import ROUGH, resolutions

STEPS = 100
"""Steps of the level's slider on each side of the surface."""
BEFORE = 0.003
"""Distance of the lines from the plane, towards the camera, in the scene."""
OBSERVED = 50_000
"""Observed points that are drawn, at most."""
CONFIDENCE, ERROR = "confidence", "error to the truth"


def levels_of(sdf: SDF) -> tuple[float, float, float]:
    """The least and the greatest level that the slider offers, and its step, in the units of the field: down to nearly
    the least distance, and up to an eighth of the longest side of the box; 0 is one of its steps."""
    low, high = box(sdf)
    deepest = -float(np.min(sdf.grid(24).values))
    step = slices.round_step(max(deepest, float((high - low).max()) / 8) / STEPS)
    below = max(int(0.95 * deepest / step), 1)
    return -below * step, int(float((high - low).max()) / 8 / step) * step, step


def show_field(server: viser.ViserServer, sdf: SDF, name: str, up: str | None, cells: int, truth: Any = None) -> Latest:
    """A field. cells: along the longest side of its surface at rest, at first. truth: a mesh or a cloud in the same
    units, to colour the surface by its distance to it.

    Returns the worker that extracts surfaces.
    """
    low, high = box(sdf)
    corners = np.stack([low, high])
    start = sdf.mesh(min(ROUGH, cells))
    frame, axis = scene.frame_of(start), scene.up_of(start, up)
    toward = look_at(server, frame.apply(np.asarray(start.vertices)), axis)
    facing = "xyz"[int(np.abs(np.where(np.arange(3) == "xyz".index(axis), 0, toward)).argmax())]
    gui = server.gui
    about = gui.add_markdown("")
    with gui.add_folder("Surface"):
        least, most, step = levels_of(sdf)
        level = gui.add_slider("Level", least, most, step, 0.0, hint="Distance of the surface from the shape")
        resolution = resolutions(server, cells)
        ways = [scene.PLAIN, *([CONFIDENCE] if len(sdf.points) else []), *([ERROR] if truth is not None else [])]
        color = gui.add_dropdown("Colour", ways, initial_value=ERROR if truth is not None else scene.PLAIN)
        flat = gui.add_checkbox("Flat shading", False)
        points = gui.add_checkbox("Observed points", False, visible=bool(len(sdf.points)))
    with gui.add_folder("Slice"):
        visible = gui.add_checkbox("Show", False)
        across = gui.add_dropdown("Across", ["x", "y", "z"], initial_value=facing)
        where = gui.add_slider("Position", 0.0, 1.0, 0.005, 0.5, hint="From one end of the box to the other")
        lines = gui.add_checkbox("Contour lines", True)
        pointing = gui.add_checkbox("Gradients", False)
        cut = gui.add_checkbox("Cut the surface", True, hint="Hide what lies in front of the slice")
        legend = gui.add_markdown("")
    held: dict[str, Any] = {"mesh": start, "of": (min(ROUGH, cells), 0.0)}

    def distance(x: np.ndarray) -> np.ndarray:
        return np.asarray(sdf(x))

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.asarray(sdf.gradient(x))

    def plane(count: int) -> slices.Slice:
        k = "xyz".index(across.value)
        position = float(corners[0, k] + where.value * (corners[1, k] - corners[0, k]))
        return slices.slice_of(distance, low, high, k, position, count)

    def colors_of(mesh: trimesh.Trimesh) -> tuple[np.ndarray, str]:
        if color.value == CONFIDENCE:
            return scene.of_confidence(sdf.confidence(np.asarray(mesh.vertices))), (
                "red: no observed point is near, the surface was closed without data"
            )
        if color.value == ERROR:
            heat = heatmap(mesh, truth)
            mean = float(heat.errors.mean())
            return heat.colors[:, :3], f"distance to the truth: mean {mean:.4g}, red from {heat.top:.4g}"
        return scene.colors_of(mesh, scene.PLAIN), ""

    def surface(rough: bool) -> None:
        chosen = int(resolution.value)
        wanted = (chosen, level.value)
        if held["of"] != wanted:
            wanted = (min(chosen, ROUGH) if rough else chosen, level.value)
        try:
            if held["of"] != wanted:
                held["mesh"], held["of"] = sdf.mesh(*wanted), wanted
        except InputError as error:
            about.content = f"**{name}**  \n{error}"
            server.scene.remove_by_name("/surface")
            return
        draw(f"**{name}**  \n{scene.described(held['mesh'])}, at resolution {wanted[0]}")

    def draw(line: str) -> None:
        mesh, note = scene.reduced(held["mesh"])
        assert isinstance(mesh, trimesh.Trimesh)
        if visible.value and cut.value:
            mesh = slices.cut_off(mesh, plane(8), toward)
        colors, meaning = colors_of(mesh) if len(mesh.faces) else (scene.colors_of(mesh, scene.PLAIN), "")
        about.content = "  \n".join(part for part in (line, note, meaning) if part)
        if len(mesh.faces):
            draw_mesh(server, "/surface", mesh, frame, colors, flat=flat.value)
        else:
            server.scene.remove_by_name("/surface")

    def slice_(_: bool) -> None:
        if not visible.value:
            for part in ("/slice", "/contours", "/level", "/gradients"):
                server.scene.remove_by_name(part)
            legend.content = ""
            return
        found = plane(128)
        limit = slices.limit_of(found.values)
        vertices, faces = slices.plane_of(found)
        colors = slices.colors_of_distance(found.values.ravel(), limit)
        sheet = trimesh.Trimesh(vertices, faces, process=False)
        draw_mesh(server, "/slice", sheet, frame, colors, lit=False)
        every, zero, apart = slices.contours(found, level.value)
        text = f"{across.value} = {found.position:.4g}; blue inside, red outside, up to {limit:.3g}"
        if lines.value:
            ahead = np.zeros(3)
            ahead[found.axis] = np.sign(toward[found.axis]) * BEFORE / frame.scale
            every, zero = every + ahead, zero + ahead
            draw_lines(server, "/contours", every, frame, (90, 90, 90), 1.0)
            draw_lines(server, "/level", zero, frame, (0, 0, 0), 3.0)
            text += f"; lines every {apart:g}"
        else:
            server.scene.remove_by_name("/contours")
            server.scene.remove_by_name("/level")
        if pointing.value:
            drawn = frame.apply(slices.arrows(found, gradient))
            server.scene.add_arrows(
                "/gradients", drawn, (30, 30, 30), shaft_radius=0.004, head_radius=0.012, head_length=0.03
            )
        else:
            server.scene.remove_by_name("/gradients")
        legend.content = text

    def both(rough: bool) -> None:
        surface(rough)
        slice_(rough)

    worker = Latest(both)
    for control in (level, resolution, color, flat, visible, across, where, lines, pointing, cut):
        control.on_update(lambda _: worker.ask())

    @points.on_update
    def _(_: Any) -> None:
        if points.value:
            some, _ = scene.reduced(Cloud(sdf.points, colors=sdf.colors), points=OBSERVED)
            assert isinstance(some, Cloud)
            draw_points(server, "/points", some.points, frame, scene.colors_of(some, scene.colorings(some)[0]), 0.006)
        else:
            server.scene.remove_by_name("/points")

    panels.downloads(server, lambda: held["mesh"], "surface")
    panels.help_of(server, "Move **Level**; tick **Show** under Slice and move its **Position**.")
    worker.ask()
    return worker
