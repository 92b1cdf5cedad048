"""A prepared data set: its settings, the outcome of every shape, and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from isofield.datasets import Record
from isofield.datasets.drawn_samples import drawn
from isofield.datasets.manifest import PICTURE, read, shape_folder
from isofield.datasets.prepared import rows_of
from isofield.datasets.report import ORDER
from isofield.errors import InputError
from isofield.io.pictures import PICTURES as EXTENSIONS
from isofield.render import Panel
from isofield.reports.parts import (
    PICTURES,
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
    flat,
    missing,
    panel,
    png,
    text,
    views,
)  # fmt: skip
from isofield.rows import evenly
from isofield.types import Cloud

MARKS = {"reject": "bad", "repair": "doubtful"}
FLAT = ("plane", "contour", "image")
"""Kinds of samples in the plane."""


def section(path: Path, options: Options) -> Section:
    """A folder of `isofield prepare`. Raises InputError as `datasets.manifest.read` does."""
    settings, records = read(path)
    records = sorted(records, key=lambda record: (ORDER.get(record.outcome, 0), record.id))
    outcomes = Counter(record.outcome for record in records)
    lead = [("shapes", str(len(records)))]
    words = {"accept": "accepted", "repair": "repaired", "reject": "rejected"}
    lead += [(word, str(outcomes[name])) for name, word in words.items()]
    lead.append(("samples", ", ".join(map(str, settings["samples"]))))
    parts: list[Part] = [
        Facts("Settings", flat(settings), folded=True),
        *_classes(records),
        _reasons(records),
        *_figures(records),
        *_pictures(path, records, options),
        *_gallery(path, [str(kind) for kind in settings["samples"]], records, options),
    ]
    return Section(path.name, "prepared data set", lead, parts)


def view_in(path: Path, id_: str) -> Path | None:
    """The first picture of a shape of a prepared data set; None where it has none."""
    folder = shape_folder(path, id_) / "views"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((one for one in files if one.suffix.lower() in EXTENSIONS), None)


def _classes(records: Sequence[Record]) -> list[Part]:
    """The outcomes of each class, if there are several."""
    labels = sorted({record.label for record in records})
    if len(labels) < 2:
        return []
    counts = Counter((record.label, record.outcome) for record in records)
    rows = [[text(label), *(str(counts[label, name]) for name in ("accept", "repair", "reject"))] for label in labels]
    return [Table("Classes", ["class", "accepted", "repaired", "rejected"], rows[:ROWS])]


def _reasons(records: Sequence[Record]) -> Table:
    """Rejects and repairs with their reasons, and what the readers of files noted."""
    some = [record for record in records if record.outcome != "accept" or record.notes]
    rows = [
        [record.id, text(record.label), record.outcome, "; ".join(filter(None, [record.reason, *record.notes]))]
        for record in some
    ]
    note = cut("shapes", min(len(rows), ROWS), len(rows), "; report.csv has all")
    columns = ["shape", "class", "outcome", "reason"]
    marks = [MARKS.get(record.outcome, "") for record in some]
    words = note if some else "All shapes were accepted as they are."
    return Table("Rejects and repairs", columns, rows[:ROWS], marks[:ROWS], words)


def _figures(records: Sequence[Record]) -> list[Part]:
    """The range of every figure of the quality gate over the shapes."""
    names = sorted({name for record in records for name in record.figures})
    rows = []
    for name in names:
        values = [float(record.figures[name]) for record in records if name in record.figures]
        figures = (min(values), float(median(values)), max(values))
        rows.append([name.replace("_", " "), *(text(figure) for figure in figures), str(len(values))])
    columns = ["figure", "least", "median", "largest", "shapes"]
    return [Table("Figures of the quality gate", columns, rows, folded=True)] if rows else []


def _pictures(path: Path, records: Sequence[Record], options: Options) -> list[Part]:
    """The pictures that `prepare` drew, rejects first."""
    some = [(record, shape_folder(path, record.id) / PICTURE) for record in records]
    some = [(record, file) for record, file in some if file.is_file()]
    rows = []
    for record, file in some[: PICTURES * options.shapes]:
        words = "; ".join(filter(None, [record.outcome, record.reason]))
        rows.append(Picture(png(file.read_bytes()), record.id, words, MARKS.get(record.outcome, "")))
    note = "Rejects and repairs come first. " + cut("pictures", len(rows), len(some), "; report.html has all")
    return [Pictures("Pictures", note, rows)] if rows else []


def _gallery(path: Path, kinds: Sequence[str], records: Sequence[Record], options: Options) -> list[Part]:
    """Samples of some shapes in 3D, repairs first."""
    kinds = [kind for kind in kinds if kind not in (*FLAT, "views")][:3]
    usable = [record for record in records if record.outcome != "reject"]
    if not kinds or not usable:
        return []
    repaired = [record for record in usable if record.outcome == "repair"][: options.shapes // 2]
    others = [record for record in usable if record not in repaired]
    rows = evenly(len(others), options.shapes - len(repaired))
    found: list[Views] = []
    for number, record in enumerate([*repaired, *(others[row] for row in rows)]):
        options.report(f"{path.name}: samples", number / options.shapes)
        panels = [_samples(path, record.id, kind, options.faces) for kind in kinds]
        if (one := views(record.id, panels, record.reason, MARKS.get(record.outcome, ""))) is not None:
            found.append(one)
    return [Gallery("Samples", cut("shapes", len(found), len(usable), ", evenly chosen, repairs first"), found)]


def _samples(path: Path, id_: str, kind: str, count: int) -> Panel:
    try:
        rows = rows_of(path, id_, kind)
    except InputError as error:
        return missing(f"{kind} samples", str(error))
    some = drawn(kind, rows[:count])
    colors = np.column_stack([some.colors, np.full(len(some.points), 255)]).astype(np.uint8)
    words = f"{some.meaning[:1].upper()}{some.meaning[1:]}. " if some.meaning else ""
    words += cut("samples", len(some.points), len(rows))
    return panel(Cloud(some.points, colors=colors), f"{kind} samples", count, words)
