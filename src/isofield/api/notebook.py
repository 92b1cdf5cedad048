"""Shapes as the last line of a notebook's cell: pictures to turn and zoom, self-contained and small."""

from __future__ import annotations

import html
from collections.abc import Callable

import trimesh

from isofield import render, surfaces
from isofield.errors import InputError
from isofield.io import vertices_of
from isofield.render.linked_views import data_of, script
from isofield.types import Cloud

FACES, POINTS = 10_000, 20_000
"""Most faces of a mesh and most points of a cloud: a notebook that stores one stays below half a megabyte."""
CELLS = 96
"""Cells along the longest side of a field's surface."""
HEIGHT, FOOT = 400, 50
"""Pixels of a view, and of the two lines below its picture."""
HELP = "Drag to turn; click, then use the wheel to zoom."

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><style>
body{{font:13px/1.4 system-ui,sans-serif;margin:0;color:#343a42;background:#fff}}
main{{display:grid}}figure{{margin:0}}small{{color:#5c6570}}
figcaption{{padding:4px 8px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}}
canvas{{display:block;width:100%;height:{canvas}px;touch-action:none;cursor:grab;background:#f4f5f7}}
</style><main class="linked"><script type="application/json">{data}</script></main>
<script>{script}</script></html>"""


def view(shape: trimesh.Trimesh | Cloud, caption: str = "") -> str:
    """HTML of a mesh or a cloud in a frame of its own: WebGL 2, nothing from a network, the mouse turns and zooms.

    A mesh of more than `FACES` faces is decimated and a cloud of more than `POINTS` points is thinned; a line says so.
    A shape without a finite point gives a sentence in place of the picture.
    """
    try:
        shown, note = surfaces.reduced(shape, FACES, POINTS)
        counts = f"{len(shape.points)} points" if isinstance(shape, Cloud) else f"{len(shape.faces)} faces"
        panel = render.Panel(shown, caption or type(shape).__name__, f"{note or counts + '.'} {HELP}")
        every = vertices_of(shown)
        data = data_of([panel], up=render.up_axis(every) if len(every) else "y")
    except InputError as error:
        return f"<p>{html.escape(str(error))}</p>"
    page = PAGE.format(data=data, script=script(), canvas=HEIGHT - FOOT)
    return (
        f'<iframe srcdoc="{html.escape(page)}" width="100%" height="{HEIGHT}" style="border:1px solid #d8dce2" '
        f'title="{html.escape(panel.caption)}"></iframe>'
    )


def view_of_field(mesh: Callable[[int], trimesh.Trimesh], caption: str) -> str:
    """The same of a field. mesh: cells along the longest side to its surface."""
    try:
        return view(mesh(CELLS), f"{caption}, surface at {CELLS} cells")
    except InputError as error:
        return f"<p>{html.escape(str(error))}</p>"
