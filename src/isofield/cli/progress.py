"""Progress of long work: a bar on a terminal, now and then a line elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, float], None]
"""What the work calls: the stage's name, and how much of that stage is done (0 to 1)."""

PATIENCE = 1.0
"""Seconds without a line at the beginning, where there is no terminal: short work needs none."""
SILENCE = 10.0
"""Seconds between two lines of one stage there."""


@contextmanager
def shown(label: str, enabled: bool = True) -> Iterator[Progress]:
    """Give a function to report progress to, and show what it hears until the block ends; label names the work."""
    if not enabled:
        yield lambda stage, fraction: None
    elif sys.stderr.isatty():
        with _bar(label) as report:
            yield report
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    percent = TextColumn("{task.percentage:>3.0f} %")
    columns = (TextColumn("{task.description}"), BarColumn(), percent, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(label), total=1.0)

        def report(stage: str, fraction: float) -> None:
            bar.update(task, description=escape(f"{label}: {stage}"), completed=min(max(fraction, 0.0), 1.0))

        yield report


def _lines(label: str) -> Progress:
    begun, current, last = time.monotonic(), "", 0.0

    def report(stage: str, fraction: float) -> None:
        nonlocal current, last
        now = time.monotonic()
        if now - begun < PATIENCE or (stage == current and now - last < SILENCE):
            return
        share = f" {fraction:.0%}".replace("%", " %") if stage == current else ""
        print(f"{label}: {stage}{share}", file=sys.stderr, flush=True)
        current, last = stage, now

    return report
