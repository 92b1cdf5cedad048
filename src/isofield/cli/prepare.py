"""`isofield prepare SOURCE OUT`: many shapes into training samples."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli import output
from isofield.cli.errors import say
from isofield.cli.parsing import Argument, Flag, Json, Progress
from isofield.cli.progress import shown
from isofield.configs import PrepareConfig
from isofield.plugins import modules

NAMED = 10
"""Most rejected shapes that are named on the screen."""
DEFAULTS = PrepareConfig()
Layout = Annotated[str, tyro.conf.arg(metavar="{auto," + ",".join(modules("datasets/layouts")) + "}")]


def prepare(
    source: Argument,
    out: Argument,
    *,
    config: Annotated[PrepareConfig, tyro.conf.arg(name=""), tyro.conf.FlagCreatePairsOff] = DEFAULTS,
    layout: Layout = "auto",
    split: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint="")] = (),
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CLASS ...", help_behavior_hint="")] = (),
    workers: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    timeout: float = 600.0,
    strict: Flag = False,
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Make training samples of many shapes; each is accepted, repaired or rejected with its reason (report.html).

    Ctrl-C stops; the same command resumes, and the result is the same.

    Args:
        source: The folder with the shapes: meshes, point clouds, or precomputed samples.
        out: The folder for samples, manifest.json, report.csv and report.html.
        config: Settings of the samples.
        layout: How the shapes are stored in their folder; other packages may add layouts.
        split: The ids to take, all parts: a JSON list, {dataset: {class: [ids]}}, or a .txt or .lst with one id per
            line.
        classes: The classes to take, by name or by ShapeNet's number.
        workers: Number of processes (default: one per core).
        timeout: Seconds for one shape.
        strict: Exit with status 1 if a shape was rejected; without it, only if all were.
    """
    from isofield.datasets import Record
    from isofield.datasets.report import counts

    if config.fit:
        from isofield.api import prepare as run
    else:  # without torch
        from isofield.datasets import prepare as run
    start = time.perf_counter()
    with shown(source.name or str(source), progress) as report:
        prepared: list[str] = []  # in this run: finished ones of an earlier run do not count for the rate

        def tick(done: int, of: int, record: Record) -> None:
            prepared.append(record.id)
            rate = 60 * len(prepared) / (time.perf_counter() - start)
            report(f"sampling: {done} of {of} shapes, {rate:.0f} per minute", done / of)

        try:
            records = run(
                source, out, config, layout=layout, classes=classes, split=split, workers=workers, timeout=timeout,
                progress=tick,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted: shapes that are done stay; the same command does the rest.") from None
    number = counts(records)
    rejected = [record for record in records if record.outcome == "reject"]
    for record in rejected[:NAMED]:
        say(f"rejected: {record.id}: {record.reason}")
    if len(rejected) > NAMED:
        say(f"rejected: {len(rejected) - NAMED} more, with their reasons in {out / 'report.csv'}")
    figures = {
        "input": str(source), "shapes": len(records), "accepted": number["accept"], "repaired": number["repair"],
        "rejected": number["reject"], "seconds": round(time.perf_counter() - start, 2),
        "files": [str(out / "manifest.json"), str(out / "report.html")],
    }  # fmt: skip
    output.show(figures, json, f"open {output.quoted(out / 'report.html')}")
    return 1 if (strict and rejected) or len(rejected) == len(records) else 0
