"""The page of a prepared data set: the samples of each shape, and why shapes were rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import viser

from isofield.datasets import Record
from isofield.datasets.drawn_samples import EVERY, INSIDE, OUTSIDE, drawn
from isofield.datasets.manifest import read
from isofield.datasets.prepared import rows_of
from isofield.errors import InputError
from isofield.types import IDENTITY, Cloud
from isofield.viewer import panels, scene
from isofield.viewer.drawing import draw_lines, draw_points, look_at

COUNTS = ("1000", "5000", "20000", "100000")
"""Samples that are drawn, to choose from."""
LINES = 2000
"""Lines from queries to their nearest points, at most."""
REASONS = 30
"""Rejected shapes whose reasons are listed, at most."""


def show_samples(server: viser.ViserServer, folder: Path, up: str | None) -> None:
    """A folder of `isofield prepare`. Only files below it are read. Raises InputError as `datasets.manifest.read`."""
    settings, records = read(folder)
    usable = {record.id: record for record in records if record.outcome != "reject"}
    kinds = [kind for kind in settings["samples"] if kind != "views"]
    gui = server.gui
    about = gui.add_markdown(f"**{folder.name}**")
    if not usable or not kinds:
        gui.add_markdown(outcomes(records))
        panels.help_of(server)
        return
    pick = gui.add_dropdown("Shape", list(usable), initial_value=next(iter(usable)))
    kind = gui.add_dropdown("Samples", kinds, initial_value=kinds[0])
    side = gui.add_dropdown("Which", [EVERY, INSIDE, OUTSIDE], initial_value=EVERY)
    count = gui.add_dropdown("Number", COUNTS, initial_value=COUNTS[2])
    size = gui.add_slider("Point size", 0.002, 0.03, 0.001, 0.008)
    shown: dict[str, Cloud | None] = {"points": None}

    def draw(_: Any = None) -> None:
        record = usable[pick.value]
        try:
            rows = rows_of(folder, record.id, kind.value)
        except InputError as error:
            about.content = str(error)
            return
        found = drawn(kind.value, rows[: int(count.value)], side.value)
        shown["points"] = Cloud(
            found.points, colors=np.column_stack([found.colors, np.full(len(found.points), 255)]).astype(np.uint8)
        )
        draw_points(server, "/samples", found.points, IDENTITY, np.ascontiguousarray(found.colors), size.value)
        if len(found.segments):
            draw_lines(server, "/lines", found.segments[:LINES], IDENTITY, (150, 150, 150), 1.0)
        else:
            server.scene.remove_by_name("/lines")
        about.content = (
            f"**{folder.name}**: {record.id}, {record.label or 'no class'}, {record.outcome}"
            f"{f' ({record.reason})' if record.reason else ''}  \n"
            f"{len(found.points)} of {len(rows)} samples; {found.meaning}"
        )

    for control in (pick, kind, side, count):
        control.on_update(draw)
    size.on_update(draw)
    draw()
    points = shown["points"]
    axis = up or "y"
    if points is not None and len(points.points):
        axis = scene.up_of(points, up)
        look_at(server, points.points, axis)
    with gui.add_folder("Outcomes", expand_by_default=False):
        gui.add_markdown(outcomes(records))
    panels.downloads(server, lambda: shown["points"], "samples", axis)
    panels.help_of(server)


def outcomes(records: Sequence[Record]) -> str:
    """How many shapes were accepted, repaired and rejected, and the reasons of the rejects, in Markdown."""
    counts = Counter(record.outcome for record in records)
    rejects = [record for record in records if record.outcome == "reject"]
    lines = [", ".join(f"{name} {number}" for name, number in sorted(counts.items()))]
    lines += [f"- **{record.id}**: {record.reason}" for record in rejects[:REASONS]]
    if len(rejects) > REASONS:
        lines.append(f"- and {len(rejects) - REASONS} more, in report.csv")
    return "\n".join([lines[0], "", *lines[1:]])
