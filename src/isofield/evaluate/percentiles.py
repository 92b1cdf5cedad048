"""Percentiles over the shapes of an evaluation, as published tables have them; what failed counts as the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from isofield.evaluate.folders import Results
from isofield.evaluate.metric import Metric
from isofield.evaluate.metrics import YES_OR_NO
from isofield.evaluate.tables import ARROWS, cell, mean_cell, overview, print_legend, single

PERCENTILES = (5, 50, 95)
"""Percentiles of SALD's tables."""


def percentiles(results: Results, metric: Metric) -> dict[str, float | None]:
    """{"5": ..., "50": ..., "95": ..., "worst": ...} of a metric over all shapes, interpolated linearly.

    A shape that could not be scored counts as infinitely bad (inf where less is better, -inf where more is), and is
    left out of metrics that have no direction. None for all where no shape has the number.
    """
    known = [scores[metric.key] for _, scores in results.scored]
    values = [float(value) for value in known if isinstance(value, (bool, int, float))]
    if not values:
        return dict.fromkeys([*map(str, PERCENTILES), "worst"])
    values += len(results.failed) * {"down": [math.inf], "up": [-math.inf], "": []}[metric.better]
    worst = min(values) if metric.better == "up" else max(values)
    return {**{str(q): percentile(values, q) for q in PERCENTILES}, "worst": worst}


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile, interpolated linearly; infinite where one of the two values that it lies between is."""
    ordered, position = np.sort(values), q / 100 * (len(values) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    if not math.isfinite(low + high):
        return float(low if math.isinf(low) else high)
    return float(low + (high - low) * (position % 1))


def to_json(results: Results, metrics: Sequence[Metric]) -> dict[str, dict[str, float | None]]:
    """{key: percentiles} of every metric, None for infinity, which JSON does not have."""
    return {
        metric.key: {
            q: v if v is not None and math.isfinite(v) else None for q, v in percentiles(results, metric).items()
        }
        for metric in metrics
    }


def show(console: Console, results: Results, metrics: Sequence[Metric], legend: str) -> None:
    """Prints the table of one shape, or the shapes, then their percentiles; legend: the meaning of the letters."""
    if not results.scored:
        return
    rows = list(metrics)
    if len(results.results) == 1:
        console.print(single(rows, results.scored[0][1], results.scored[0][0].name))
    else:
        console.print(overview(results, rows))
        console.print(_table(results, rows))
    print_legend(console, legend, rows)


def _table(results: Results, rows: Sequence[Metric]) -> Table:
    scored, every, mean = len(results.scored), len(results.results), results.mean()
    itself = any(f"floor_{metric.key}" in mean for metric in rows)
    table = Table(title=f"{every} shapes", title_justify="left")
    table.add_column("metric")
    for heading in (*(f"{q} %" for q in PERCENTILES), "worst", f"mean of {scored}"):
        table.add_column(heading, justify="right")
    if itself:
        table.add_column("truth itself", justify="right")
    table.add_column("")
    table.add_column("unit")
    for m in rows:
        shares = m.unit == YES_OR_NO
        cells = ["" if shares else _cell(value) for value in percentiles(results, m).values()]
        if itself:
            truth = mean.get(f"floor_{m.key}", mean.get(f"truth_{m.key}"))
            cells = [*cells, mean_cell(m, mean[m.key]), mean_cell(m, truth)]
        else:
            cells = [*cells, mean_cell(m, mean[m.key])]
        table.add_row(m.label, *cells, ARROWS[m.better], m.unit)
    if scored < every:
        table.caption = (
            f"{every - scored} without a result; percentiles count these as the worst, the mean leaves them out"
        )
    return table


def _cell(value: float | None) -> str:
    return "failed" if value is not None and not math.isfinite(value) else cell(value)
