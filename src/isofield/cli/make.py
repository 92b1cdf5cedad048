"""`isofield make FAMILY OUT`: closed shapes of a built-in family, with their parameters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from isofield.cli.output import quoted
from isofield.cli.parsing import Argument, Progress
from isofield.cli.progress import shown
from isofield.configs.common import check_seed
from isofield.errors import InputError
from isofield.files import check_output, csv_text, write_text


def make(
    family: Annotated[Literal["aircraft", "chair", "vessel", "sculpture"], tyro.conf.Positional],
    out: Argument,
    *,
    count: int = 10,
    seed: int = 0,
    progress: Progress = True,
) -> int:
    """Make closed meshes of a family, each different, into OUT/FAMILY/, with a table parameters.csv beside them.

    A shape depends only on the seed and its number, so that a larger set begins with the same shapes.

    Args:
        family: Kind of shapes: aircraft, chair, vessel or sculpture.
        out: The folder for OUT/FAMILY/; existing shapes are overwritten only with the same shapes.
        count: Number of shapes.
        seed: Seed of the parameters.
    """
    import numpy as np

    from isofield.families.series import SERIES
    from isofield.io import write_mesh

    check_seed(seed)
    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    series, folder = SERIES[family], out / family
    check_output(folder / "0000.ply")
    check_output(folder / "parameters.csv", ("csv",))
    every = [series.parameters(np.random.default_rng([seed, number])) for number in range(count)]
    rows = [
        {"id": f"{family}/{number:04d}", **{name: f"{value:.6g}" for name, value in parameters.items()}}
        for number, parameters in enumerate(every)
    ]
    table = csv_text(["id", *series.ranges], rows)
    if any(folder.glob("*.ply")) and not table.startswith(_before(folder / "parameters.csv")):
        raise InputError(f"{folder} holds other shapes (another seed, or more shapes): give another folder.")
    with shown(family, progress) as report:
        for number, parameters in enumerate(every):
            report(f"making: {number} of {count}", number / count)
            write_mesh(series.build(**parameters), folder / f"{number:04d}.ply")
    write_text(folder / "parameters.csv", table)
    print(f"written  {count} meshes and parameters.csv in {folder}", file=sys.stderr)
    print(f"next: isofield prepare {quoted(out)} {quoted(str(out) + '-samples')}", file=sys.stderr)
    return 0


def _before(table: Path) -> str:
    """The existing table of parameters, or a text that no table begins with."""
    try:
        return table.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return "\0"
