"""Means by class as a table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isofield.evaluate.metric import Metric
from isofield.evaluate.tables import ARROWS, cell


def show(console: Console, rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric], legend: str) -> None:
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
    lines = [legend, *(f"{metric.label} [{metric.unit}]: {metric.formula}" for metric in metrics)]
    console.print("\n".join(lines), style="dim", markup=False, highlight=False, soft_wrap=True)
