"""Scores of `isofield evaluate`: results against their truth, the worst first."""

from __future__ import annotations

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
from isofield.render import Panel
from isofield.reports.parts import (
    ROWS,
    Gallery,
    Options,
    Part,
    Section,
    Table,
    Views,
    counted,
    cut,
    file_panel,
    missing,
    named_file,
    panel,
    percent,
    text,
    views,
)
from isofield.surfaces import reduced
from isofield.types import Cloud, normalization

TOP = 0.01
"""Distance of the last colour of an error, as a fraction of the diagonal of the truth's box."""
CELLS = 64
"""Cells along the longest side of the nearest training shape."""
SMALLEST = 1e-12


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


def scored_in(content: Any) -> list[Scored]:
    """The pairs of `isofield evaluate --json` or --csv; none for another table."""
    if isinstance(content, dict):
        pairs = content.get("pairs", [content] if "legend" in content else [])
        failed = content.get("failed", [])
    else:
        listed = content if isinstance(content, list) else []
        rows = [row for row in listed if isinstance(row, dict) and row.get("name")]
        failed = [row for row in rows if row.get("problem") and not row.get(onet.CLASS)]
        pairs = [row for row in rows if row not in failed]
    every = [*pairs, *failed]
    if not every or not all(isinstance(row, dict) and {"name", "pred", "truth"} <= {*row} for row in every):
        return []
    left = ("name", "pred", "truth", "problem", "legend")
    scored = []
    for row in every:
        scores = None if row in failed else {key: value for key, value in row.items() if key not in left}
        names = str(row["name"]), str(row["pred"]), str(row["truth"])
        scored.append(Scored(*names, scores, str(row.get("problem") or "")))
    return scored


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


def evaluation(
    path: Path, scored: list[Scored], without: Sequence[str], options: Options, near: Mapping[str, Near]
) -> Section:
    """The section of pairs: means, a row and a view for each of them. without: files without a partner; near: the
    nearest training shapes of predictions, by name."""
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
