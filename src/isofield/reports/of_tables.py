"""Scores of `isofield evaluate`, and other tables that isofield writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import trimesh

from isofield import io
from isofield.api import ShapeSpace
from isofield.errors import InputError
from isofield.evaluate import dfaust, heatmap, metrics
from isofield.evaluate import occupancy_networks as onet
from isofield.evaluate.metric import Metric, Score
from isofield.evaluate.metrics import YES_OR_NO
from isofield.folder_format import reason
from isofield.points import normalization
from isofield.render import Panel
from isofield.reports.parts import (
    ROWS,
    Facts,
    Gallery,
    Options,
    Part,
    Section,
    Table,
    Views,
    counted,
    cut,
    missing,
    named_file,
    panel,
    percent,
    text,
    views,
)  # fmt: skip
from isofield.surfaces import reduced
from isofield.types import Cloud

TOP = 0.01
"""Distance of the last colour of an error, as a fraction of the diagonal of the truth's box."""
CELLS = 64
"""Cells along the longest side of the nearest training shape."""
SMALLEST = 1e-12
FIT = {"input", "files", "median", "p95"}
"""Names that the figures of a fit have."""
NAMES = {"name", "id", "pred", "truth", "nearest", onet.CLASS}
"""Columns of names, which may look like numbers."""


@dataclass(frozen=True)
class Scored:
    """A pair of `isofield evaluate`, as its file names it; scores: None for one that failed, with its problem. One that
    a protocol counts as the worst has both."""

    name: str
    pred: str
    truth: str
    scores: Mapping[str, Score] | None
    problem: str = ""

    @property
    def bad(self) -> bool:
        """Whether it has no result."""
        return self.scores is None or self.scores.get(onet.MISSING) is True


@dataclass(frozen=True)
class Near:
    """The nearest training shape of a prediction, its Chamfer distance, and the space that has it, if it is known."""

    name: str
    distance: float
    space: ShapeSpace | None


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
    if scored := _scored(content):
        alone = (
            content.get("missing", [])
            if isinstance(content, dict)
            else [str(row["problem"]) for row in content if not row.get("name")]
        )
        return _evaluation(path, scored, alone, options, near)
    fits = content if isinstance(content, list) else [content]
    if fits and all(isinstance(row, dict) and ("error" in row or {*row} >= FIT) for row in fits):
        return _fits(path, fits, options)
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


def _scored(content: Any) -> list[Scored]:
    """The pairs of `isofield evaluate --json` or --csv; none for another table."""
    if isinstance(content, dict):
        pairs = content.get("pairs", [content] if "legend" in content else [])
        failed = content.get("failed", [])
    else:
        rows = (
            [row for row in content if isinstance(row, dict) and row.get("name")] if isinstance(content, list) else []
        )
        failed = [row for row in rows if row.get("problem") and not row.get(onet.CLASS)]
        pairs = [row for row in rows if row not in failed]
    every = [*pairs, *failed]
    if not every or not all(isinstance(row, dict) and {"name", "pred", "truth"} <= {*row} for row in every):
        return []
    left = ("name", "pred", "truth", "problem", "legend")
    return [
        Scored(
            str(row["name"]),
            str(row["pred"]),
            str(row["truth"]),
            None if row in failed else {key: value for key, value in row.items() if key not in left},
            str(row.get("problem") or ""),
        )
        for row in every
    ]


def _metrics_of(scored: Sequence[Scored]) -> list[Metric[Any]]:
    """The metrics that the scores have, in the order of their tables."""
    keys = dict.fromkeys(key for one in scored for key in one.scores or ())
    if {onet.CLASS, onet.MISSING} <= {*keys}:
        return [*onet.METRICS]
    thresholds = [float(key.removeprefix("f_score_")) / 100 for key in keys if key.startswith("f_score_")]
    every: list[Metric[Any]] = [*(dfaust.METRICS if "reg_chamfer" in keys else ()), *metrics(tuple(thresholds))]
    return list({m.key: m for m in reversed(every) if m.key in keys}.values())[::-1]


def _badness(metric: Metric[Any]) -> Callable[[Scored], float]:
    def of(one: Scored) -> float:
        value = None if one.scores is None else one.scores.get(metric.key)
        if not isinstance(value, (int, float)):
            return np.inf
        return -float(value) if metric.better == "up" else float(value)

    return of


def _evaluation(
    path: Path, scored: list[Scored], without: Sequence[str], options: Options, near: Mapping[str, Near]
) -> Section:
    rows = _metrics_of(scored)
    ranked = next((metric for metric in rows if metric.better and _numbers(scored, metric.key)), None)
    if ranked is not None:
        scored = sorted(scored, key=_badness(ranked), reverse=True)
    good = [one for one in scored if one.scores is not None]
    shown = [metric for metric in rows if metric.column]
    lead = [("shapes", str(len(scored))), ("failed", str(len(scored) - len(good)))]
    if without:
        lead.append(("without a partner", str(len(without))))
    for metric in shown[:3]:
        if values := _numbers(good, metric.key):
            lead.append((f"{metric.label}, mean", text(mean(values))))
    parts: list[Part] = [_means(rows, good)] if good else []
    if rows == [*onet.METRICS]:
        lead.insert(1, ("without a result", str(sum(one.bad for one in good))))
        parts.append(_classes(good))
    parts += [_each(scored, shown, near, ranked)]
    if without:
        parts.append(Table("Without a partner", ["file"], [[sentence] for sentence in without[:ROWS]], folded=True))
    parts.append(_gallery(path, scored, options, near, ranked))
    return Section(path.name, "results against their truth", lead, parts)


def _numbers(scored: Sequence[Scored], key: str) -> list[float]:
    values = [(one.scores or {}).get(key) for one in scored]
    return [float(value) for value in values if isinstance(value, (bool, int, float))]


def _means(rows: Sequence[Metric[Any]], scored: Sequence[Scored]) -> Table:
    """Mean, median and worst of every metric, and what the truth itself scores."""
    lines = []
    for metric in rows:
        values = _numbers(scored, metric.key)
        if not values:
            continue
        if metric.unit == YES_OR_NO:
            figures = [percent(mean(values)), "", ""]
        else:
            worst = {"up": min, "down": max}.get(metric.better)
            figures = [text(mean(values)), text(float(median(values))), text(worst(values)) if worst else ""]
        itself = _numbers(scored, f"floor_{metric.key}") or _numbers(scored, f"truth_{metric.key}")
        lines.append([metric.label, *figures, text(mean(itself) if itself else None), metric.unit, metric.formula])
    columns = ["metric", "mean", "median", "worst", "truth itself", "unit", "formula"]
    note = "Truth itself: the same for two samplings of the truth, which is what a perfect result scores."
    return Table(f"Means of {counted(len(scored), 'shape')}", columns, lines, note=note)


def _classes(scored: Sequence[Scored]) -> Table:
    """The means of classes, as `isofield evaluate --protocol occupancy-networks` prints them."""
    rows = onet.classes([one.scores for one in scored if one.scores is not None])
    lines = [
        [str(row[onet.CLASS]), *(text(row[name]) for name in ("shapes", onet.MISSING, *(m.key for m in onet.METRICS)))]
        for row in rows
    ]
    columns = ["class", "shapes", "missing", *(metric.column or metric.label for metric in onet.METRICS)]
    return Table("Means by class", columns, lines, note="A missing or empty prediction counts, with the worst numbers.")


def _each(
    scored: Sequence[Scored], shown: Sequence[Metric[Any]], near: Mapping[str, Near], ranked: Metric[Any] | None
) -> Table:
    """A row for each shape."""
    new = any(one.name in near for one in scored)
    failed = any(one.problem for one in scored)
    columns = ["shape", *(metric.column for metric in shown), *(["nearest training shape", "distance"] if new else [])]
    columns += ["problem"] if failed else []
    lines, marks = [], []
    for one in scored[:ROWS]:
        cells = [text((one.scores or {}).get(metric.key)) for metric in shown]
        found = near.get(one.name)
        cells += ([found.name, text(found.distance)] if found else ["-", "-"]) if new else []
        lines.append([one.name, *cells, *([one.problem] if failed else [])])
        marks.append("bad" if one.bad else "")
    note = f"The worst by {ranked.label} come first. " if ranked else ""
    return Table("Shapes", columns, lines, marks, note + cut("shapes", len(lines), len(scored)))


def _gallery(
    path: Path, scored: Sequence[Scored], options: Options, near: Mapping[str, Near], ranked: Metric[Any] | None
) -> Gallery:
    rows: list[Views] = []
    scale: Sequence[tuple[str, tuple[int, int, int]]] = ()
    chosen = scored[: options.shapes]
    for number, one in enumerate(chosen):
        options.report(f"{path.name}: shapes", number / len(chosen))
        panels, scale = _panels(path, one, options, near.get(one.name), scale)
        words = one.problem
        if one.scores is not None and ranked is not None:
            words = f"{ranked.label} {text(one.scores.get(ranked.key))} {ranked.unit}"
        if (found := views(one.name, panels, words, "bad" if one.bad else "")) is not None:
            rows.append(found)
    note = "The worst come first. " + cut("shapes", len(rows), len(scored))
    return Gallery("Gallery", note, rows, scale)


def _panels(
    path: Path, one: Scored, options: Options, near: Near | None, scale: Sequence[tuple[str, tuple[int, int, int]]]
) -> tuple[list[Panel], Sequence[tuple[str, tuple[int, int, int]]]]:
    """Input, result coloured by its error, truth and nearest training shape of a pair; the legend of the colours."""
    panels: list[Panel] = []
    if one.name in options.inputs:
        panels.append(file_panel(lambda: options.inputs[one.name], "input", options.faces))
    pred, truth = (_shape(name, path) for name in (one.pred, one.truth))
    if isinstance(pred, str):
        panels.append(missing("result", one.problem or pred))
    elif isinstance(truth, str):
        panels.append(panel(pred, "result", options.faces))
    else:
        fewer, said = reduced(pred, options.faces, options.faces)
        every = np.asarray(truth.points if isinstance(truth, Cloud) else truth.vertices)
        try:
            heat = heatmap(fewer, truth, top=max(TOP * float(np.linalg.norm(np.ptp(every, axis=0))), SMALLEST))
        except InputError as error:
            panels.append(missing("result", str(error)))
        else:
            panels.append(Panel(heat.shape, "result", f"Red from a distance of {heat.top:.3g} on. {said}".strip()))
            steps = [f"{100 * TOP * k / (len(heat.scale()) - 1):g} %" for k in range(len(heat.scale()))]
            scale = [(step, color) for step, (_, color) in zip(steps, heat.scale(), strict=True)]
    if isinstance(truth, str):
        panels.append(missing("truth", truth))
    else:
        panels.append(panel(truth, "truth", options.faces))
        if near is not None and near.space is not None:
            panels.append(_near_panel(near, truth, options.faces))
    return panels, scale


def _near_panel(near: Near, truth: trimesh.Trimesh | Cloud, faces: int) -> Panel:
    """The nearest training shape in the place of the truth."""
    assert near.space is not None
    frame = normalization(np.asarray(truth.points if isinstance(truth, Cloud) else truth.vertices, np.float64))
    try:
        mesh = near.space.sdf(near.space.code(near.name), frame).mesh(CELLS)
    except InputError as error:
        return missing("nearest training shape", str(error))
    return panel(mesh, "nearest training shape", faces, f"{near.name}, at a distance of {text(near.distance)}.")


def _shape(name: str, beside: Path) -> trimesh.Trimesh | Cloud | str:
    """The shape in a file that a table names, or why it cannot be shown."""
    try:
        return io.read(named_file(name, beside))
    except InputError as error:
        return str(error)


def file_panel(find: Callable[[], Path], caption: str, faces: int) -> Panel:
    """The shape in a file, or why it cannot be shown."""
    try:
        return panel(io.read(find()), caption, faces)
    except InputError as error:
        return missing(caption, str(error))


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


def _fits(path: Path, fits: Sequence[Mapping[str, Any]], options: Options) -> Section:
    """What `isofield fit --json` printed: figures of each fit, input and mesh."""
    good = sorted((one for one in fits if "error" not in one), key=lambda one: -(one.get("p95") or 0.0))
    bad = [one for one in fits if "error" in one]
    lead = [("fits", str(len(fits))), ("failed", str(len(bad)))]
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
