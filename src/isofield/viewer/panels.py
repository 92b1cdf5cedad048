"""Parts that several pages have: help, messages, downloads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trimesh
import viser

from isofield import io, render
from isofield.errors import InputError
from isofield.surfaces import reduced
from isofield.types import Cloud

ROUGH, RESOLUTIONS = 64, (32, 64, 128, 256, 512)
"""Cells along the longest side of a surface while a slider moves, and those to choose from for the result."""
IN_TURN = 50_000, 100_000
"""Faces and points of an animation, at most."""
HELP = """
**Mouse**: drag with the left button to turn, with the right one to move, the wheel to come closer.

**Touch**: one finger turns, two fingers move and zoom.

**Keys** (after a click into the scene): W A S D move, Q and E down and up, the arrow keys turn. On a control: Tab goes
to the next one, arrow keys change its value.
"""


def help_of(server: viser.ViserServer, more: str = "") -> None:
    """How to move around, and what to try on this page."""
    with server.gui.add_folder("Help", expand_by_default=False):
        server.gui.add_markdown(f"{more}\n{HELP}")


def downloads(
    server: viser.ViserServer, current: Callable[[], trimesh.Trimesh | Cloud | None], name: str, up: str
) -> None:
    """Buttons that download what is shown; current: that, in its own units and whole, or None for nothing. up: the axis
    that an animation turns about."""
    with server.gui.add_folder("Download"):
        files = server.gui.add_button_group("What is shown", (".ply", ".glb"))
        turning = server.gui.add_button_group("Turntable", render.movie_extensions())

    def send(event: viser.GuiEvent[Any]) -> None:
        client, shape, extension = event.client, current(), str(event.target.value)
        if client is None:
            return
        try:
            if shape is None:
                raise InputError("there is nothing to download yet: wait until something is shown.")
            if isinstance(shape, Cloud) and extension == ".glb":
                raise InputError("points cannot be written as .glb: take .ply.")
            client.send_file_download(f"{name}{extension}", bytes_of(shape, extension, up), save_immediately=True)
        except InputError as error:
            client.add_notification("This did not work", str(error), color="red")

    files.on_click(send)
    turning.on_click(send)


def bytes_of(shape: trimesh.Trimesh | Cloud, extension: str, up: str = "y") -> bytes:
    """The content of a file with a shape, or an animation (.gif, .mp4). Raises InputError as `io.write_mesh` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"shape{extension}"
        if extension in render.movie_extensions():
            render.turntable(reduced(shape, *IN_TURN)[0], path, up=up)
        elif isinstance(shape, Cloud):
            io.write_cloud(shape, path)
        else:
            io.write_mesh(shape, path)
        return path.read_bytes()


def resolutions(server: viser.ViserServer, cells: int) -> Any:
    """A choice of the cells along the longest side of a surface at rest."""
    some = [str(one) for one in sorted({*RESOLUTIONS, cells})]
    return server.gui.add_dropdown("Resolution", some, initial_value=str(cells))
