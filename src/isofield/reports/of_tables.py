"""Tables that isofield writes: which of them a file has, and those of `isofield benchmark` and of novelty."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from isofield.errors import InputError
from isofield.evaluate import occupancy_networks as onet
from isofield.folder_format import reason
from isofield.reports.of_fits import fits
from isofield.reports.of_scores import Near, evaluation, scored_in
from isofield.reports.parts import ROWS, Options, Section, Table, cut, text

FIT = {"input", "files", "median", "p95"}
"""Names that the figures of a fit have."""
NAMES = {"name", "id", "pred", "truth", "nearest", onet.CLASS}
"""Columns of names, which may look like numbers."""


def read_table(path: Path) -> Any:
    """The content of a .json file, or the rows of a .csv file. Raises InputError for one that is damaged."""
    try:
        if path.suffix.lower() == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {name: (cell or None) if name in NAMES else _value(cell) for name, cell in row.items()}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, csv.Error, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({reason(error)}): write it again.") from None


def _value(cell: Any) -> Any:
    """A cell of a .csv file as a number or yes or no, where it is one."""
    if cell in ("", None):
        return None
    if cell in ("True", "False"):
        return cell == "True"
    for kind in (int, float):
        try:
            return kind(cell)
        except (TypeError, ValueError):
            continue
    return cell


def novelty_in(content: Any) -> dict[str, dict[str, Any]]:
    """The rows of `isofield evaluate --novelty` by name; none for another table."""
    rows = content.get("each") if isinstance(content, dict) and "among_training" in content else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"name", "nearest"} <= {*row} for row in rows):
        return {}
    if not all(
        isinstance(row.get(name), (int, float)) for row in rows for name in ("score", "retrieval", "to_training")
    ):
        return {}
    return {str(row["name"]): row for row in rows}


def section(path: Path, options: Options, near: Mapping[str, Near]) -> Section:
    """A .json or .csv file that `isofield evaluate`, `fit --json` or `benchmark` wrote. near: the nearest training
    shapes of predictions, by name.

    Raises InputError for another one.
    """
    content = read_table(path)
    if rows := novelty_in(content):
        return _novelty(path, rows, content)
    if scored := scored_in(content):
        if isinstance(content, dict):
            alone = content.get("missing", [])
        else:
            alone = [str(row["problem"]) for row in content if not row.get("name")]
        return evaluation(path, scored, alone, options, near)
    each = content if isinstance(content, list) else [content]
    if each and all(isinstance(row, dict) and ("error" in row or {*row} >= FIT) for row in each):
        return fits(path, each, options)
    if isinstance(content, list) and content and {"name", "seeds"} <= {*content[0]}:
        columns = [name for name in content[0] if any(row.get(name) is not None for row in content)]
        table = Table(
            "Spaces", [name.replace("_", " ") for name in columns], [[text(r.get(n)) for n in columns] for r in content]
        )
        return Section(path.name, "benchmark of spaces", [("rows", str(len(content)))], [table])
    raise InputError(
        f"{path} is not a table that a page can show: give what `isofield evaluate --json` or --csv, `fit --json` or "
        "`benchmark` wrote."
    )


def _novelty(path: Path, rows: Mapping[str, Mapping[str, Any]], content: Any) -> Section:
    """Predictions beside the training shapes, those first that retrieval beats most."""
    ordered = sorted(rows.values(), key=lambda row: row["retrieval"] - row["score"])
    won = sum(row["score"] < row["retrieval"] for row in ordered)
    lead = [
        ("shapes", str(len(ordered))),
        ("better than retrieval", f"{won} of {len(ordered)}"),
        ("Chamfer distance, median", text(float(median(row["score"] for row in ordered)))),
        ("of retrieval", text(float(median(row["retrieval"] for row in ordered)))),
        ("to the nearest training shape", text(float(median(row["to_training"] for row in ordered)))),
    ]
    if isinstance(content, dict):
        lead.append(("among training shapes", text(content["among_training"])))
    names = ("name", "score", "retrieval", "best", "to_training", "nearest")
    columns = ["shape", "Chamfer", "retrieval", "by", "to training", "nearest training shape"]
    lines = [[text(row[name]) for name in names] for row in ordered[:ROWS]]
    marks = ["bad" if row["score"] >= row["retrieval"] else "" for row in ordered[:ROWS]]
    note = (
        "Chamfer: sum of the mean squared distances in both directions, x 1000, in the truth's normalised space. "
        "Retrieval: the same for the training shape that is nearest to the truth; marked where it is the better one. "
        "To training: from the prediction to the nearest training shape. "
    )
    table = Table("Novelty", columns, lines, marks, note + cut("shapes", len(lines), len(ordered)))
    return Section(path.name, "novelty of results", lead, [table])
