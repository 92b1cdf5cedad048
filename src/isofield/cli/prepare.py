"""`isofield prepare SOURCE OUT`: many shapes into training samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from isofield.configs import Normalize, Samples, Sign
from isofield.plugins import modules

NAMED = 10
"""So many rejected shapes are named on the screen; all of them are in report.csv."""


def prepare(
    source: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    *,
    layout: Annotated[str, tyro.conf.arg(metavar="{auto," + ",".join(modules("datasets/layouts")) + "}")] = "auto",
    samples: Annotated[
        tuple[Samples, ...], tyro.conf.arg(metavar="{signed,unsigned,cloud,levelset,occupancy,surface,views} ...")
    ] = ("signed",),
    count: int = 500_000,
    variances: Annotated[tuple[float, ...], tyro.conf.arg(metavar="V ...")] = (0.005, 0.0005),
    views: int = 24,
    size: int = 224,
    split: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint="")] = (),
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CLASS ...", help_behavior_hint="")] = (),
    normalize: Normalize = "shape",
    sign: Sign = "winding",
    thickness: float = 0.0175,
    outer: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    max_sheets: float = 0.1,
    max_turned: float = 0.02,
    half: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seed: int = 0,
    workers: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    timeout: float = 600.0,
    backend: Literal["local", "ray", "dask"] = "local",
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Make training samples of many shapes; each is accepted, repaired or rejected with its reason (report.html).

    Ctrl-C stops; the same command goes on where it stopped, and the bytes are the same.

    Args:
        source: The folder with the shapes: meshes, clouds, or samples that others made.
        out: The folder for samples, manifest.json, report.csv and report.html.
        layout: How the shapes lie in their folder.
        samples: Kinds of samples: signed (DeepSDF), unsigned (SAL, SALD), cloud (Neural-Pull), levelset (MetaSDF),
            occupancy, surface; views are pictures, depth images and cameras. Clouds have unsigned and cloud, and those
            with normals surface.
        count: Samples of each kind, a shape.
        variances: Of the bands near the surface of signed samples; DeepSDF tests with 0.05 0.0005 and --count 250000.
        views: How many views of each shape.
        size: Pixels along each side of a view.
        split: The ids to take, all parts: a JSON list, {dataset: {class: [ids]}}, or a .txt or .lst of an id a line.
        classes: The classes to take, by name or by ShapeNet's number.
        normalize: Each shape to the unit ball by itself; the data set as one, so that its shapes keep their size and
            place beside each other; or none, where shapes lie in the unit ball in their own units.
        sign: How the inside is told: the winding number; visibility from 100 sides, DeepSDF's own way; the parity of
            rays, for single closed bodies.
        thickness: Of the walls that sheets (which enclose nothing) become, in the unit ball; 0 rejects them.
        outer: Keep the outer hull of overlapping parts alone.
        max_sheets: At --thickness 0, reject shapes with more of their area in sheets.
        max_turned: Reject shapes with more of their surface inside out.
        half: Write 16 bits a number.
        seed: The same seed gives the same samples, whatever the order and the workers.
        workers: Shapes at once (default: one a core).
        timeout: Seconds for one shape.
        backend: Where to run: this machine's cores, or a Ray or Dask cluster.
        strict: Exit status 1 where a shape was rejected; without it, only where all were.
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    import time

    from isofield.cli import output
    from isofield.cli.progress import listen, shown
    from isofield.configs import PrepareConfig
    from isofield.configs.limits import check_seed
    from isofield.datasets import Record
    from isofield.datasets import prepare as run
    from isofield.datasets.report import counts

    check_seed(seed)
    listen()
    begun = time.perf_counter()
    config = PrepareConfig(
        tuple(samples), count, seed, tuple(variances), normalize=normalize, sign=sign, thickness=thickness,
        outer=outer, sheets=max_sheets, turned=max_turned, half=half, views=views, size=size,
    )  # fmt: skip
    with shown(source.name or str(source), progress) as report:
        prepared: list[str] = []  # in this run: what was done before says nothing of its speed

        def told(done: int, of: int, record: Record) -> None:
            prepared.append(record.id)
            rate = 60 * len(prepared) / (time.perf_counter() - begun)
            report(f"sampling: {done} of {of} shapes, {rate:.0f} a minute", done / of)

        records = run(
            source,
            out,
            config,
            layout=layout,
            classes=classes,
            split=split,
            workers=workers,
            timeout=timeout,
            backend=backend,
            told=told,
        )
    number = counts(records)
    rejected = [record for record in records if record.outcome == "reject"]
    for record in rejected[:NAMED]:
        output.note(f"rejected: {record.id}: {record.reason}")
    if len(rejected) > NAMED:
        output.note(f"rejected: {len(rejected) - NAMED} more, each with its reason in {out / 'report.csv'}")
    figures = {
        "input": str(source), "shapes": len(records), "accepted": number["accept"], "repaired": number["repair"],
        "rejected": number["reject"], "seconds": round(time.perf_counter() - begun, 2),
        "files": [str(out / "manifest.json"), str(out / "report.html")],
    }  # fmt: skip
    output.show(figures, json, f"open {output.quoted(out / 'report.html')}")
    return 1 if (strict and rejected) or len(rejected) == len(records) else 0
