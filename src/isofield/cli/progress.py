"""Long work: its progress on standard error, and Ctrl-C, which first lets it finish with what it has, then stops it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isofield.types import ProgressCallback

PATIENCE = 1.0
"""Seconds before the first line where there is no terminal; shorter work prints none."""
SILENCE = 10.0
"""Seconds between two lines of a stage where there is no terminal."""

IMPORTING, AGAIN = "<frozen importlib._bootstrap>", 0.05
"""The file of the functions that import modules, and the seconds until an interruption there is tried again."""


@contextmanager
def shown(label: str, enabled: bool = True) -> Iterator[ProgressCallback]:
    """Give a function to report progress to, and show it until the block ends; label names the work. It takes a stage's
    name, after a colon its state, and the fraction of the stage that is done."""
    if not enabled:
        yield lambda stage, fraction: None
    elif sys.stderr.isatty():
        with _bar(label) as report:
            yield report
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    percent = TextColumn("{task.percentage:>3.0f} %")
    left = (TextColumn("left"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), percent, TimeElapsedColumn(), *left)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(label), total=1.0)

        def report(stage: str, fraction: float) -> None:
            bar.update(task, description=escape(f"{label}: {stage}"), completed=min(max(fraction, 0.0), 1.0))

        yield report


def _lines(label: str) -> ProgressCallback:
    begun, current, entered, last = time.monotonic(), "", 0.0, 0.0
    before = 0.0

    def report(stage: str, fraction: float) -> None:
        nonlocal current, last, entered, before
        now = time.monotonic()
        name, _, standing = stage.partition(":")
        if now - begun < PATIENCE or (name == current and now - last < SILENCE):
            return
        text = f"{label}: {name}"
        if name == current:
            text += f" {fraction:.0%}".replace("%", " %")
            if standing and fraction > before:
                text += f",{standing}, {_duration((now - entered) * (1 - fraction) / (fraction - before))} left"
        else:
            entered, before = now, fraction
        print(text, file=sys.stderr, flush=True)
        current, last = name, now

    return report


def _duration(seconds: float) -> str:
    """In words: 40 s, 12 min, 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def listen() -> None:
    """Let SIGINT interrupt, also where a shell started this process in the background, with the signal ignored."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt, or sends the signal once more a little later while modules are imported: libraries that
    try whether an optional package is there may swallow the exception."""
    inside = frame
    while inside is not None:
        if inside.f_code.co_filename == IMPORTING:
            again = threading.Timer(AGAIN, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
            return
        inside = inside.f_back
    raise KeyboardInterrupt


@contextmanager
def finishing(label: str, begun: bool) -> Iterator[None]:
    """While results are made and written: the first SIGINT only prints that, the next raises KeyboardInterrupt.

    begun: there was a first one already, which ended the fit. label: how messages name the input.
    """

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, interrupt)
        print(f"\n{label}: fitted; writing the result (Ctrl-C again to stop at once).", file=sys.stderr, flush=True)

    if begun:
        sentence = f"{label}: interrupted; writing the best result so far (Ctrl-C again to stop at once)."
        print(sentence, file=sys.stderr, flush=True)
    if begun or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
