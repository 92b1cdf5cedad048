"""Figures that `isofield fit --json` printed: each fit, its input and its mesh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from isofield.reports.parts import (
    ROWS,
    Facts,
    Gallery,
    Options,
    Part,
    Section,
    Table,
    Views,
    cut,
    file_panel,
    named_file,
    text,
    views,
)


def fits(path: Path, each: Sequence[Mapping[str, Any]], options: Options) -> Section:
    """What `isofield fit --json` printed: figures of each fit, input and mesh."""
    good = sorted((one for one in each if "error" not in one), key=lambda one: -(one.get("p95") or 0.0))
    bad = [one for one in each if "error" in one]
    lead = [("fits", str(len(each))), ("failed", str(len(bad)))]
    seconds = [float(one["seconds"]) for one in good if one.get("seconds") is not None]
    if seconds:
        lead.append(("seconds, mean", text(mean(seconds))))
    left = {"each", "files", "next"}
    if len(good) == 1 and not bad:
        figures: Part = Facts("Figures", flat_figures({k: v for k, v in good[0].items() if k not in left}))
    else:
        columns = ("method", "points_used", "median", "p95", "unseen", "watertight", "components", "faces", "seconds")
        lines = [[str(one["input"]), str(one["error"]), *[""] * (len(columns) - 1)] for one in bad]
        lines += [[str(one["input"]), *(text(one.get(name)) for name in columns)] for one in good]
        marks = ["bad"] * len(bad) + [""] * len(good)
        figures = Table("Fits", ["input", *(name.replace("_", " ") for name in columns)], lines[:ROWS], marks[:ROWS])
    rows: list[Views] = []
    for number, one in enumerate(good[: options.shapes]):
        options.report(f"{path.name}: shapes", number / min(len(good), options.shapes))
        source, files = str(one["input"]), [str(name) for name in one["files"] if not str(name).endswith("/")]
        panels = [file_panel(lambda source=source: named_file(source, path), "input", options.faces)]  # type: ignore[misc]
        mesh = next((name for name in files if not name.endswith(".png")), "")
        panels.append(file_panel(lambda mesh=mesh: named_file(mesh, path), "mesh", options.faces))  # type: ignore[misc]
        words = f"points to surface, 95 %: {text(one.get('p95'))}"
        if (found := views(source, panels, words)) is not None:
            rows.append(found)
    note = "The farthest from their points come first. " + cut("fits", len(rows), len(good))
    return Section(path.name, "fits of single shapes", lead, [figures, Gallery("Gallery", note, rows)])


def flat_figures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Figures that have a value, as names and texts."""
    return [(name.replace("_", " "), text(value)) for name, value in figures.items() if value not in (None, [], "")]
