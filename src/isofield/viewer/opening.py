"""What a path holds, and the page that shows it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trimesh
import viser

from isofield import io
from isofield.configs.common import check_resolution
from isofield.errors import InputError
from isofield.folder_format import CONFIG, resolve
from isofield.types import Cloud
from isofield.viewer import server as servers
from isofield.viewer.latest import Latest
from isofield.viewer.live_page import LivePage
from isofield.viewer.shape_page import show_shape

if TYPE_CHECKING:
    from isofield.api import SDF, ShapeSpace

PORT, RESOLUTION = 8080, 128
DEMO = {
    "isofield-demo/field": "The field of the demo: move **Level**, and tick **Show** under Slice.",
    "isofield-demo/scan.ply": "The scan that the demo fits: noisy points without normals.",
    "isofield-demo/truth.ply": "The sculpture that was scanned.",
}
SPACES = {
    "aircraft": "A space of 360 aircraft: move a **direction**, or click a dot on the map.",
    "aircraft-mlp": "The same shapes in a network: slower, and smoother between shapes.",
}
"""What `isofield view` offers without a path, and what to try with it."""


@dataclass(frozen=True)
class Options:
    """Options of every page: the up axis or None, the cells of a surface at rest, and a truth or None."""

    up: str | None
    resolution: int
    truth: trimesh.Trimesh | Cloud | None


@dataclass(frozen=True)
class Viewer:
    """A page that is served. links: its addresses; workers: compute what is shown, where that takes long."""

    server: viser.ViserServer
    links: list[str]
    workers: list[Latest]

    def wait(self) -> None:
        """Serve until Ctrl-C, then stop."""
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """Close the page."""
        for worker in self.workers:
            worker.stop()
        servers.stop(self.server)


def open_viewer(
    what: str | os.PathLike[str] | None = None,
    *,
    host: str = servers.LOOPBACK,
    port: int = PORT,
    up: str | None = None,
    truth: str | os.PathLike[str] | None = None,
    resolution: int = RESOLUTION,
) -> Viewer:
    """Serve a page with a file of a mesh or points, a field, a space of shapes, or a prepared data set; without a path,
    with the result of the demo in this folder, if any, and the spaces that come with the package.

    host: the address to listen on; only this machine reaches the default. port: the next free one is taken where it is
    in use; 0 for any. up: "x", "y" or "z", by default how the shape stands best. truth: a file of a mesh or points in
    the field's units. resolution: cells along the longest side of the surface of a field, at first. Raises InputError
    for what cannot be read, and as `servers.start` does.
    """
    check_resolution(resolution)
    path = None if what is None else resolve(Path(what))
    options = Options(up, resolution, None if truth is None else io.read(truth))
    found = None if path is None else _load(path, options)
    server = servers.start("isofield" if path is None else path.name, host, port)
    viewer = Viewer(server, servers.links(server), [])
    try:
        if path is None:
            _choose(viewer, options)
        else:
            _show(viewer, path, found, options)
    except BaseException:
        viewer.stop()
        raise
    return viewer


def _load(path: Path, options: Options) -> SDF | ShapeSpace | None:
    """The field or the space in a folder; None for a prepared data set, and for a file, which is shown without torch.

    Raises InputError for a truth of anything but a field.
    """
    if path.is_dir():
        from isofield import api
        from isofield.api.loading import check_folder
        from isofield.datasets.manifest import MANIFEST

        found = None
        if (path / CONFIG).is_file() or not (path / MANIFEST).is_file():
            check_folder(path, "give such a folder, one that `isofield prepare` wrote, or a single file of a shape")
            found = api.load(path)
        if options.truth is None or isinstance(found, api.SDF):
            return found
    elif options.truth is None:
        return None
    raise InputError("a truth colours the surface of a field: give a field folder, or leave --truth out.")


def _show(viewer: Viewer, path: Path, found: SDF | ShapeSpace | None, options: Options) -> None:
    """The page of what a path holds."""
    server, name = viewer.server, path.name
    if not path.is_dir():
        show_shape(server, path, options.up)
        return
    from isofield.api import SDF
    from isofield.viewer.field_page import FieldPage
    from isofield.viewer.samples_page import show_samples
    from isofield.viewer.space_page import SpacePage

    if found is None:
        show_samples(server, path, options.up)
    elif isinstance(found, SDF):
        viewer.workers.append(FieldPage(server, found, name, options.up, options.resolution, options.truth).worker)
    else:
        viewer.workers.append(SpacePage(server, found, name, path, options.up, options.resolution).worker)


def _choose(viewer: Viewer, options: Options, first: str | None = None) -> None:
    """A page that offers the result of the demo, where it is in this folder, and the spaces that ship."""
    server, offers = viewer.server, offered(Path())
    first = first or next(iter(offers))
    pick = server.gui.add_dropdown("Show", list(offers), initial_value=first)
    server.gui.add_markdown(offers[first])
    path = resolve(Path(first))
    _show(viewer, path, _load(path, options), options)

    @pick.on_update
    def _(event: Any) -> None:
        if event.client is None:
            return
        for worker in viewer.workers:
            worker.stop()
        viewer.workers.clear()
        server.gui.reset()
        server.scene.reset()
        _choose(viewer, options, pick.value)


def offered(folder: Path) -> dict[str, str]:
    """What there is to look at without a path, with a word on what to try, by name."""
    demo = {str(folder / name): text for name, text in DEMO.items() if (folder / name).exists()}
    return {**demo, **SPACES}


def open_live(name: str) -> tuple[Viewer, LivePage]:
    """Serve a page that shows surfaces while they form. Raises InputError as `servers.start` does."""
    server = servers.start(name, servers.LOOPBACK, PORT)
    return Viewer(server, servers.links(server), []), LivePage(server, name)
