"""What a path holds, and the page that shows it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import viser

from isofield import api, io
from isofield.api import SDF, ShapeSpace
from isofield.configs.common import check_resolution
from isofield.errors import InputError
from isofield.folder_format import resolve
from isofield.viewer import server as servers
from isofield.viewer.field_page import show_field
from isofield.viewer.latest import Latest
from isofield.viewer.shape_page import show_shape
from isofield.viewer.space_page import SpacePage

PORT, RESOLUTION = 8080, 128


@dataclass(frozen=True)
class Viewer:
    """A page that is served. links: its addresses; worker: computes what is shown, where that takes long."""

    server: viser.ViserServer
    links: list[str]
    worker: Latest | None

    def wait(self) -> None:
        """Serve until Ctrl-C, then stop."""
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """Close the page."""
        if self.worker is not None:
            self.worker.stop()
        servers.stop(self.server)


def open_viewer(
    what: str | os.PathLike[str],
    *,
    host: str = servers.LOOPBACK,
    port: int = PORT,
    up: str | None = None,
    truth: str | os.PathLike[str] | None = None,
    resolution: int = RESOLUTION,
) -> Viewer:
    """Serve a page with a file of a mesh or points, a field, or a space of shapes.

    host: the address to listen on; only this machine reaches the default. port: the next free one is taken where it is
    in use; 0 for any. up: "x", "y" or "z", by default how the shape stands best. truth: a file of a mesh or points in
    the field's units. resolution: cells along the longest side of the surface of a
    field, at first. Raises InputError for what cannot be read, and as `servers.start` does.
    """
    check_resolution(resolution)
    path = resolve(Path(what))
    found = api.load(path) if path.is_dir() else None
    if truth is not None and not isinstance(found, SDF):
        raise InputError("a truth colours the surface of a field: give a field folder, or leave --truth out.")
    true = None if truth is None else io.read(truth)
    server = servers.start(path.name, host, port)
    try:
        worker = None
        if isinstance(found, SDF):
            worker = show_field(server, found, path.name, up, resolution, true)
        elif isinstance(found, ShapeSpace):
            worker = SpacePage(server, found, path.name, path, up, resolution).worker
        else:
            show_shape(server, path, up)
    except BaseException:
        servers.stop(server)
        raise
    return Viewer(server, servers.links(server), worker)
