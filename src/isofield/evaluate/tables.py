"""Scores as a table on a terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isofield.evaluate.comparison import IOU_METHOD, SAMPLES, SEED, Scores
from isofield.evaluate.folders import Pair, Results
from isofield.evaluate.heatmaps import Heatmap
from isofield.evaluate.metric import Metric, Score
from isofield.evaluate.metrics import YES_OR_NO
from isofield.files import csv_text

ARROWS = {"up": "↑", "down": "↓", "": ""}


def show(console: Console, results: Results, rows: list[Metric]) -> None:
    """Prints the table of one pair, or of several with their means and medians, and the legend."""
    scored = results.scored
    if not scored:
        return
    if len(results.results) > 1 or results.missing:
        console.print(overview(results, rows))
        if len(scored) > 1:
            console.print(single(rows, results.mean(), f"{len(scored)} pairs", results.median()))
    else:
        pair, scores = scored[0]
        console.print(single(rows, scores, f"{pair.pred} against {pair.truth}"))
    console.print(legend(rows, scored[0][1]), soft_wrap=True, highlight=False)


def single(rows: list[Metric], scores: Scores, title: str, medians: Scores | None = None) -> Table:
    """One row per metric: the value, and the truth's own where the scores have it. medians: of several pairs, whose
    means the scores are."""
    table = Table(title=Text(title, overflow="fold"), title_justify="left")
    table.add_column("metric")
    for heading in ["prediction"] if medians is None else ["mean", "median"]:
        table.add_column(heading, justify="right")
    floors = any(f"floor_{m.key}" in scores for m in rows)
    if floors:
        table.add_column("truth itself", justify="right")
    table.add_column("")
    table.add_column("unit")
    for m in rows:
        itself = scores.get(f"floor_{m.key}", scores.get(f"truth_{m.key}"))
        middle = [] if medians is None else [cell(medians[m.key])]
        own = [cell(itself)] if floors else []
        table.add_row(m.label, cell(scores[m.key]), *middle, *own, ARROWS[m.better], m.unit)
    return table


def overview(results: Results, rows: list[Metric]) -> Table:
    """One row per pair, with the metrics that have a heading of their own."""
    rows = [metric for metric in rows if metric.column]
    table = Table()
    table.add_column("shape", overflow="fold")
    for metric in rows:
        table.add_column(metric.column, justify="right")
    for result in results.results:
        scores = result.scores
        cells = ["failed"] if scores is None else [cell(scores[metric.key]) for metric in rows]
        table.add_row(Text(result.pair.name), *cells)
    table.add_section()
    for name, over in (("mean", results.mean()), ("median", results.median())):
        cells = [mean_cell(metric, over[metric.key]) for metric in rows]
        table.add_row(f"{name} of {len(results.scored)}", *cells, style="bold")
    failed = len(results.failed)
    if failed or results.missing:
        table.caption = f"{failed} failed, {len(results.missing)} without a partner; the means leave them out"
    return table


def legend(rows: list[Metric], scores: Scores) -> Text:
    """Every formula, and the meaning of its letters."""
    lines = [
        f"P, T: up to {scores[SAMPLES]} points of prediction and truth, uniform by area (seed {scores[SEED]}); "
        "d: distance to the nearest point of the other; diagonal, longest side: of the truth's bounding box; "
        "normalised: the truth's farthest vertex is 1/1.03 from its box's centre. Truth itself: the same for two "
        "independent samplings of the truth, which is what a perfect result scores. -: not defined for these shapes."
    ]
    lines += [f"{m.label} [{m.unit}]: {m.formula}" for m in rows]
    lines.append(f"volumes of the IoU: {scores[IOU_METHOD]}")
    return Text("\n".join(lines), style="dim")


def scale(picture: Heatmap) -> Text:
    """The colours of a heatmap and their distances."""
    text = Text("distance to the truth, in the files' units: ")
    for distance, (red, green, blue) in picture.scale():
        text.append("██", style=f"rgb({red},{green},{blue})")
        text.append(f" {distance:.4g} #{red:02x}{green:02x}{blue:02x}  ")
    return text.append("and beyond")


def mean_cell(metric: Metric, value: Score) -> str:
    """A mean or a median as text; for yes or no, the share of yes."""
    return f"{100 * value:.0f} %" if metric.unit == YES_OR_NO and isinstance(value, float) else cell(value)


def cell(value: Score) -> str:
    """A number as a cell of a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.4g}"


def to_json(results: Results, rows: Sequence[Metric], over_pairs: Mapping[str, object] | None = None) -> str:
    """JSON of one pair (its scores beside "pred" and "truth"), or of several under "pairs" with "mean" and "median".

    "missing" and "failed" name the files without scores, "legend" gives every formula; a missing number is null.
    over_pairs: what else to say of several pairs, by name.
    """
    formulas = {m.key: f"[{m.unit}] {m.formula}" for m in rows}
    scored = [{"name": pair.name, **_files(pair), **scores} for pair, scores in results.scored]
    if len(results.results) == 1 and scored and not results.missing:
        return json.dumps({**scored[0], "legend": formulas}, indent=2, ensure_ascii=False, allow_nan=False)
    failed = [{"name": r.pair.name, **_files(r.pair), "problem": r.problem} for r in results.failed]
    content = {
        "pairs": scored, "mean": results.mean(), "median": results.median(), **(over_pairs or {}), "failed": failed,
        "missing": results.missing, "legend": formulas,
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def to_csv(results: Results) -> str:
    """CSV with one line per pair, every number under its key, empty where it does not exist; `problem` says why.

    A file without a partner has a line with only its `problem`.
    """
    keys = list(results.scored[0][1]) if results.scored else []
    rows = [
        {"name": result.pair.name, **_files(result.pair), **(result.scores or {}), "problem": result.problem}
        for result in results.results
    ]
    return csv_text(["name", "pred", "truth", *keys, "problem"], rows + [{"problem": one} for one in results.missing])


def _files(pair: Pair) -> dict[str, str]:
    return {"pred": str(pair.pred), "truth": str(pair.truth)}


def show_classes(console: Console, rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric], legend: str) -> None:
    """Prints one line for each row: its "class", "shapes", how many are "missing", and the means of the metrics.

    legend: the meaning of the letters in the formulas.
    """
    table = Table()
    table.add_column("class", overflow="fold")
    for heading in ("shapes", "missing", *(f"{m.column or m.label} {ARROWS[m.better]}" for m in metrics)):
        table.add_column(heading, justify="right")
    for row in rows:
        cells = [str(row["shapes"]), str(row["missing"]), *(cell(row[metric.key]) for metric in metrics)]
        table.add_row(Text(str(row["class"])), *cells)
    console.print(table)
    print_legend(console, legend, metrics)


def print_legend(console: Console, legend: str, metrics: Sequence[Metric]) -> None:
    """Prints the formulas of the metrics; legend: the meaning of their letters."""
    lines = [legend, *(f"{metric.label} [{metric.unit}]: {metric.formula}" for metric in metrics)]
    console.print("\n".join(lines), style="dim", markup=False, highlight=False, soft_wrap=True)
