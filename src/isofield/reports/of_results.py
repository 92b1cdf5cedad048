"""Meshes that a space made, one shape, and the field of one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from isofield import api, io
from isofield.api import SDF, ShapeSpace
from isofield.errors import InputError
from isofield.files import inside
from isofield.folder_format import CODES, INPUTS, REPORT
from isofield.io.pictures import PICTURES as EXTENSIONS
from isofield.render import Panel
from isofield.render.slices import line_step, slice_of, slice_picture
from isofield.reports.of_scores import CELLS
from isofield.reports.of_tables import read_table
from isofield.reports.parts import (
    ROWS,
    Facts,
    Gallery,
    Options,
    Part,
    Picture,
    Pictures,
    Section,
    Table,
    Views,
    cut,
    file_panel,
    flat,
    missing,
    panel,
    picture,
    picture_in,
    text,
    views,
)  # fmt: skip
from isofield.types import Cloud, Similarity

LEFT_OUT = ("mesh", "picture", "pose_")
"""Columns of the table, by the beginning of their names, that a page does not show."""
SLICE = 240
"""Cells along the longer side of a slice."""
Row = Mapping[str, Any]


def results(path: Path, options: Options, spaces: Sequence[ShapeSpace]) -> Section:
    """A folder of `isofield infer`, `sample` or `interpolate`. spaces: that may have the nearest training shapes.

    Raises InputError for a table that is damaged.
    """
    rows: list[Row] = sorted(read_table(path / REPORT), key=_badness)
    if not rows or "id" not in rows[0]:
        raise InputError(f"{path / REPORT} is not a table of shapes: give a folder of `isofield infer` or `sample`.")
    failed = [row for row in rows if row.get("error")]
    lead = [("shapes", str(len(rows))), ("without a result", str(len(failed)))]
    for flag in ("poor", "far"):
        if flag in rows[0]:
            lead.append((flag, str(sum(row.get(flag) is True for row in rows))))
    labels = {"loss": "held-out loss, median", "distance": "distance to the nearest training code, median"}
    for name, label in labels.items():
        values = [float(row[name]) for row in rows if isinstance(row.get(name), (int, float))]
        if values:
            lead.append((label, text(float(np.median(values)))))
    return Section(path.name, "shapes that a space made", lead, [_table(rows), *_shown(path, rows, options, spaces)])


def _badness(row: Row) -> tuple[bool, bool, bool, float]:
    """Failures first, then poor fits, then codes far from all others, then by the loss, or what is least new."""
    loss, distance = row.get("loss"), row.get("distance")
    figure = -float(loss) if isinstance(loss, (int, float)) else float(distance or 0.0)
    return not row.get("error"), row.get("poor") is not True, row.get("far") is not True, figure


def _table(rows: Sequence[Row]) -> Table:
    names = [
        name for name in rows[0] if not name.startswith(LEFT_OUT) and any(row.get(name) is not None for row in rows)
    ]
    labels = {
        "nearest": "nearest training shape", "distance": "distance of codes",
        "neighbour_distance": "among training shapes",
    }  # fmt: skip
    lines = [[text(row.get(name)) for name in names] for row in rows[:ROWS]]
    marks = ["bad" if row.get("error") else _mark(row) for row in rows[:ROWS]]
    note = "The worst come first. " if "loss" in names else "What is nearest to a training shape comes first. "
    columns = [labels.get(name, name.replace("_", " ")) for name in names]
    return Table("Shapes", columns, lines, marks, note + cut("shapes", len(lines), len(rows)))


def _mark(row: Row) -> str:
    return "doubtful" if row.get("poor") or row.get("far") else ""


def _shown(path: Path, rows: Sequence[Row], options: Options, spaces: Sequence[ShapeSpace]) -> list[Part]:
    """A gallery of the meshes, or of the pictures; and the pictures that they were made of."""
    made_of: list[Picture] = []
    frames = _frames(path)
    found: list[Views] = []
    drawn: list[Picture] = []
    good = [row for row in rows if not row.get("error")]
    for number, row in enumerate(good[: options.shapes]):
        options.report(f"{path.name}: shapes", number / options.shapes)
        id_ = str(row["id"])
        words = ", ".join(
            f"{name} {text(row[name])}" for name in ("loss", "explained", "distance") if row.get(name) is not None
        )
        if _exists(path, f"{id_}.png"):
            drawn.append(_picture(path, id_, words))
            continue
        panels: list[Panel] = []
        copied = f"{INPUTS}/{id_}.png"
        source = options.inputs.get(id_) or (inside(path, copied) if _exists(path, copied) else None)
        if source is not None and source.suffix.lower() in EXTENSIONS:
            made_of.append(picture_in(source, id_, source.name))
        elif source is not None:
            panels.append(file_panel(lambda source=source: source, "input", options.faces))  # type: ignore[misc]
        panels.append(file_panel(lambda id_=id_: inside(path, f"{id_}.ply"), "result", options.faces))  # type: ignore[misc]
        panels += _nearest(row, spaces, frames.get(id_), options.faces)
        if (one := views(id_, panels, words, _mark(row))) is not None:
            found.append(one)
    parts: list[Part] = []
    if made_of:
        note = "The first picture of each shape. " + cut("pictures", len(made_of), len(rows))
        parts.append(Pictures("Input pictures", note, made_of))
    if found:
        parts.append(Gallery("Gallery", cut("shapes", len(found), len(rows)), found))
    if drawn:
        parts.append(Pictures("Pictures", cut("pictures", len(drawn), len(rows)), drawn))
    return parts


def _exists(path: Path, name: str) -> bool:
    try:
        return inside(path, name).is_file()
    except InputError:
        return False


def _picture(path: Path, id_: str, words: str) -> Picture:
    from PIL import Image

    with Image.open(inside(path, f"{id_}.png")) as image:
        return Picture(picture(np.asarray(image.convert("RGB"))), id_, words)


def _frames(path: Path) -> dict[str, Similarity]:
    """From the units of each shape to its normalised space, where the folder has it."""
    try:
        with np.load(inside(path, CODES), allow_pickle=False) as codes:
            return {
                str(id_): Similarity((float(c[0]), float(c[1]), float(c[2])), float(scale))
                for id_, c, scale in zip(codes["ids"], codes["center"], codes["scale"], strict=True)
            }
    except (InputError, OSError, ValueError, KeyError, IndexError):
        return {}


def _nearest(row: Row, spaces: Sequence[ShapeSpace], frame: Similarity | None, faces: int) -> list[Panel]:
    """The nearest training shape in the place of the result, where a space of the page has it."""
    name = str(row.get("nearest"))
    space = next((one for one in spaces if name in one.ids and not one.of_pictures), None)
    if space is None:
        return []
    caption = "nearest training shape"
    try:
        mesh = space.sdf(space.code(name), frame).mesh(CELLS)
    except InputError as error:
        return [missing(caption, str(error))]
    return [panel(mesh, caption, faces, f"{name}, its code at a distance of {text(row.get('distance'))}.")]


def field(path: Path, sdf: SDF, options: Options) -> Section:
    """The field of one shape: its points, its surface, and slices through it."""
    mesh = io.read(path / "mesh.ply") if (path / "mesh.ply").is_file() else None
    if mesh is None or isinstance(mesh, Cloud):
        mesh = sdf.mesh(2 * CELLS)
    lead = [("method", text(sdf.provenance.get("method"))), ("kind", sdf.kind), ("faces", text(len(mesh.faces)))]
    lead += [("watertight", text(bool(mesh.is_watertight))), ("surface", "open" if sdf.open else "closed")]
    parts: list[Part] = []
    if len(sdf.points) > 1:
        options.report(f"{path.name}: distances", 0.0)
        found = asdict(api.fit_report(mesh, sdf.points, sdf.spacing))
        labels = {
            "median": "points to surface, median", "p95": "points to surface, 95 %",
            "unseen": "share of the area far from all points", "spacings": "median over the local spacing",
        }  # fmt: skip
        figures = [(label, text(found[name])) for name, label in labels.items()]
        if mesh.is_watertight:
            figures.append(("volume", text(float(mesh.volume))))
        parts.append(Facts("Figures", figures))
    settings = sdf.provenance.get("settings", {})
    parts.append(Facts("Fit", flat({k: v for k, v in sdf.provenance.items() if k != "settings" and v is not None})))
    if isinstance(settings, Mapping):
        parts.append(Facts("Settings of the method", flat(settings), folded=True))
    panels = [panel(Cloud(sdf.points, colors=sdf.colors), "input", options.faces)] if len(sdf.points) else []
    panels.append(panel(mesh, "surface", options.faces))
    if (one := views(str(sdf.provenance.get("input", path.name)), panels)) is not None:
        parts.append(Gallery("Gallery", "", [one]))
    parts.append(_slices(sdf, mesh.bounds, options))
    return Section(path.name, "field of one shape", lead, parts)


def _slices(sdf: SDF, bounds: np.ndarray, options: Options) -> Pictures:
    """Three slices through the middle of the box of a surface."""
    low, high = bounds
    margin = 0.1 * float((high - low).max())
    shown = []
    for axis, name in enumerate("xyz"):
        options.report("slices", axis / 3)
        middle = float(low[axis] + high[axis]) / 2
        cut_ = slice_of(lambda x: np.asarray(sdf(x)), low - margin, high + margin, axis, middle, SLICE)
        words = f"Lines are {line_step(cut_.values):g} apart; the inside is darker."
        shown.append(Picture(picture(slice_picture(cut_)), f"{name} = {middle:.4g}", words))
    return Pictures(
        "Slices", "Signed distances in planes through the middle, seen from the positive end of the axis.", shown
    )


def shape(path: Path, options: Options) -> Section:
    """A file of a mesh or points. Raises InputError as `io.read` does."""
    found = io.read(path)
    info = io.inspect(found, str(path))
    rows = [(label, str(words)) for label, words in io.describe(info)]
    one = views(path.name, [panel(found, "shape", options.faces)])
    parts: list[Part] = [Facts("Figures", rows), *([Gallery("Gallery", "", [one])] if one else [])]
    return Section(path.name, "mesh or points", [], parts)
