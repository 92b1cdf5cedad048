"""The page of a mesh or a cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
import viser

from isofield import io
from isofield.surfaces import reduced
from isofield.types import Cloud, Similarity
from isofield.viewer import panels, scene
from isofield.viewer.drawing import draw_lines, draw_mesh, draw_points, look_at

POINT = 0.004
"""Size of a point in the scene, at first."""


def show_shape(server: viser.ViserServer, path: Path, up: str | None) -> None:
    """A file with a mesh or points. Raises InputError as `io.read` does."""
    shape = io.read(path)
    frame, axis = scene.frame_of(shape), scene.up_of(shape, up)
    shown, note = reduced(shape)
    look_at(server, frame.apply(io.vertices_of(shown)), axis)
    server.gui.add_markdown(f"**{path.name}**  \n{scene.described(shape)}  \n{note}")
    names = scene.colorings(shown)
    color = server.gui.add_dropdown("Colour", names, initial_value=names[0])

    if isinstance(shown, Cloud):
        size = server.gui.add_slider("Point size", 0.001, 0.02, 0.001, POINT)

        def draw(_: Any = None) -> None:
            colors = scene.colors_of(shown, color.value, axis)
            draw_points(server, "/shape", shown.points, frame, colors, size.value)

        size.on_update(draw)
        if shown.sensors is not None:
            rays = server.gui.add_checkbox("Sensors and rays", False)
            rays.on_update(lambda _: _rays(server, shown, frame, rays.value))
    else:
        flat = server.gui.add_checkbox("Flat shading", False)
        edges = server.gui.add_checkbox("Edges", False)

        def draw(_: Any = None) -> None:
            draw_mesh(server, "/shape", shown, frame, scene.colors_of(shown, color.value, axis), flat=flat.value)

        flat.on_update(draw)
        edges.on_update(lambda _: _edges(server, shown, frame, edges.value))
    color.on_update(draw)
    draw()
    panels.downloads(server, lambda: shape, path.stem, axis)
    panels.help_of(server)


def _edges(server: viser.ViserServer, mesh: trimesh.Trimesh, frame: Similarity, visible: bool) -> None:
    """The edges of a mesh."""
    if not visible:
        server.scene.remove_by_name("/edges")
        return
    server.scene.add_mesh_simple(
        "/edges", frame.apply(np.asarray(mesh.vertices)), np.asarray(mesh.faces), color=(40, 44, 52), wireframe=True,
        cast_shadow=False,
    )  # fmt: skip


def _rays(server: viser.ViserServer, cloud: Cloud, frame: Similarity, visible: bool) -> None:
    """The sensors of a cloud, and the rays from them to some of its points."""
    segments = scene.rays_of(cloud)
    if not visible or not len(segments):
        server.scene.remove_by_name("/rays")
        server.scene.remove_by_name("/sensors")
        return
    draw_lines(server, "/rays", segments, frame, scene.UNTRUSTED, 1.0)
    draw_points(server, "/sensors", segments[:, 0], frame, np.array((20, 20, 20), np.uint8), 0.03)
