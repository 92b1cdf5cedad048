"""What `fit` and `train` show while a surface forms: frames in a folder, a page in the browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isofield.errors import InputError

if TYPE_CHECKING:
    import trimesh

RESOLUTION = 64
"""Cells along the longest side of a surface while it forms."""
SHAPES = 4
"""Training shapes of a space that are shown."""
SHARE, PICTURED = 0.1, 0.5
"""Fractions of the time that the page and a picture take, at most, after the first ones."""


@contextmanager
def forming(
    name: str, frames: Path | None, view: bool, picture: Callable[[Any, trimesh.Trimesh], None] | None = None
) -> Iterator[Callable[[int, Callable[[], Any]], None] | None]:
    """Gives the function that `api.fit` and `api.train` call while a field or a space forms, None where nothing is to
    be shown; then writes the frames, and serves the page until Ctrl-C.

    picture: draws a field that forms, with its surface. Raises InputError where the folder cannot be written, and where
    viser is missing.
    """
    if frames is None and not view and picture is None:
        yield None
        return
    from isofield import io, render
    from isofield.cli import output

    kept = None
    if frames is not None:
        io.check_output(frames / "forming.gif", ("gif",))
        kept = render.Frames()
    viewer = page = None
    if view:
        from isofield.viewer import open_live

        viewer, page = open_live(name)
        print(f"{name} forms at {viewer.links[0]}", flush=True)

    latest: tuple[int, Callable[[], Any]] | None = None
    ended, taken = 0.0, 0.0

    def watch(step: int, made: Callable[[], Any]) -> None:
        nonlocal latest
        latest = step, made
        live = page is not None or picture is not None
        rest = taken / (SHARE if page is not None else PICTURED)
        show(step, made, live and time.monotonic() - ended > rest)

    def show(step: int, made: Callable[[], Any], live: bool) -> None:
        nonlocal ended, taken
        wanted = kept is not None and kept.due(step)
        if not wanted and not live:
            return
        begun = time.monotonic()
        try:
            formed = made()
        except InputError:  # too few points of it show a surface
            return
        meshes = _meshes_of(formed)
        if kept is not None:
            kept.add(step, meshes)
        if page is not None:
            page.show(step, meshes)
        if picture is not None and live and meshes[0] is not None:
            picture(formed, meshes[0])
        ended = time.monotonic()
        taken = ended - begun

    def finish() -> None:
        if latest is not None and (kept is not None or page is not None):
            show(*latest, live=True)
        if kept is not None and frames is not None:
            names = kept.write(frames)
            output.note(f"frames: {names[-2]}, {names[-1]} and {len(names) - 2} pictures beside them")

    try:
        try:
            yield watch
        except KeyboardInterrupt:
            finish()
            raise
        finish()
        if viewer is not None:
            output.note(f"{name} stays at {viewer.links[0]} until Ctrl-C.")
            viewer.wait()
    finally:
        if viewer is not None:
            viewer.stop()


def _meshes_of(made: Any) -> list[trimesh.Trimesh | None]:
    """The surface of a field, or those of the first training shapes of a space; None for one that has none."""
    from isofield.api import ShapeSpace

    def mesh_of(field: Any) -> trimesh.Trimesh | None:
        try:
            mesh: trimesh.Trimesh = field.mesh(RESOLUTION)
        except InputError:
            return None
        return mesh

    if isinstance(made, ShapeSpace):
        return [mesh_of(made.sdf(code)) for code in made.codes[:SHAPES]]
    return [mesh_of(made)]
