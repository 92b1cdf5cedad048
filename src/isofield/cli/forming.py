"""What `fit` and `train` show while a surface forms: frames in a folder, a page in the browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isofield.cli.errors import say
from isofield.errors import InputError
from isofield.files import check_output

if TYPE_CHECKING:
    import trimesh

    from isofield.viewer.live_page import LivePage

RESOLUTION = 64
"""Cells along the longest side of a surface while it forms."""
SHAPES = 4
"""Training shapes of a space that are shown."""
SHARE, PICTURED = 0.1, 0.5
"""Fractions of the time that the page and a picture take, at most, after the first ones."""


Made = Callable[[], Any]
"""Gives the field or the space as it is now."""


@contextmanager
def forming(
    name: str, frames: Path | None, view: bool, picture: Callable[[Any, trimesh.Trimesh], None] | None = None
) -> Iterator[Callable[[int, Made], None] | None]:
    """Gives the function that `api.fit` and `api.train` call while a field or a space forms, None where nothing is to
    be shown; then writes the frames, and serves the page until Ctrl-C.

    picture: draws a field that forms, with its surface. Raises InputError where the folder cannot be written, and where
    viser is missing.
    """
    if frames is None and not view and picture is None:
        yield None
        return

    if frames is not None:
        check_output(frames / "forming.gif", ("gif",))
    viewer = page = None
    if view:
        from isofield.viewer import open_live

        viewer, page = open_live(name)
        print(f"{name} forms at {viewer.links[0]}", flush=True)
    shown = _Shown(frames, page, picture)
    try:
        try:
            yield shown.watch
        except KeyboardInterrupt:
            shown.finish()
            raise
        shown.finish()
        if viewer is not None:
            say(f"{name} stays at {viewer.links[0]} until Ctrl-C.")
            viewer.wait()
    finally:
        if viewer is not None:
            viewer.stop()


class _Shown:
    """What is shown of a field or a space that forms: `watch` is called after every few steps."""

    def __init__(
        self, folder: Path | None, page: LivePage | None, picture: Callable[[Any, trimesh.Trimesh], None] | None
    ) -> None:
        from isofield.render import Frames

        self.folder, self.page, self.picture = folder, page, picture
        self.frames = None if folder is None else Frames()
        self.latest: tuple[int, Made] | None = None
        self.ended, self.taken = 0.0, 0.0

    def watch(self, step: int, made: Made) -> None:
        """Show a step where a frame is due, or the page or the picture was last drawn long enough ago."""
        self.latest = step, made
        rest = self.taken / (PICTURED if self.page is None else SHARE)
        live = self.page is not None or self.picture is not None
        self._show(step, made, live and time.monotonic() - self.ended > rest)

    def finish(self) -> None:
        """Show the last step in the frames and on the page, and write the frames."""
        if self.latest is not None and (self.frames is not None or self.page is not None):
            self._show(*self.latest, live=True)
        if self.frames is not None and self.folder is not None:
            names = self.frames.write(self.folder)
            say(f"frames: {names[-2]}, {names[-1]} and {len(names) - 2} pictures beside them")

    def _show(self, step: int, made: Made, live: bool) -> None:
        due = self.frames is not None and self.frames.due(step)
        if not due and not live:
            return
        begun = time.monotonic()
        try:
            formed = made()
        except InputError:  # too few points of it show a surface
            return
        meshes = _meshes_of(formed)
        if self.frames is not None:
            self.frames.add(step, meshes)
        if self.page is not None:
            self.page.show(step, meshes)
        if self.picture is not None and live and meshes[0] is not None:
            self.picture(formed, meshes[0])
        self.ended = time.monotonic()
        self.taken = self.ended - begun


def _meshes_of(made: Any) -> list[trimesh.Trimesh | None]:
    """The surface of a field, or those of the first training shapes of a space; None for one that has none."""
    from isofield.api import SDF

    def mesh_of(field: Any) -> trimesh.Trimesh | None:
        try:
            mesh: trimesh.Trimesh = field.mesh(RESOLUTION)
        except InputError:
            return None
        return mesh

    if isinstance(made, SDF):
        return [mesh_of(made)]
    return [mesh_of(made.sdf(code)) for code in made.codes[:SHAPES]]
