"""`isofield benchmark METHODS DATA --truth FOLDER --split F.json -o DIR`: spaces of several methods in one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tyro

from isofield.cli import output
from isofield.cli.errors import say
from isofield.cli.parsing import Argument, Flag, OutFolder, Progress
from isofield.cli.progress import shown
from isofield.files import check_output, write_text

DIGITS = {
    "megabytes": 1, "kilobytes_a_shape": 1, "training_seconds": 0, "seconds_a_shape": 2, "worst": 2,
    "better_than_retrieval": 0, "accuracy": 4, "emd": 4,
}  # fmt: skip
"""Decimals of the figures; others have three."""
WON = "better_than_retrieval"
"""The column that counts shapes."""


def benchmark(
    methods: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="METHOD,METHOD,...")],
    data: Argument,
    *,
    truth: Annotated[Path, tyro.conf.arg(metavar="FOLDER")],
    split: Annotated[Path, tyro.conf.arg(metavar="FILE.json")],
    out: OutFolder,
    seeds: int = 1,
    refine: bool = True,
    most: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    progress: Progress = True,
    json: Flag = False,
) -> int:
    """Train several methods on the same shapes, and score them on held-out ones: one table.

    DIR gets a run for each method and seed, table.csv and table.tex. Existing runs are not trained again.

    Args:
        methods: Methods (`isofield train --help` lists them) or their presets, with commas between; METHOD=FILE.yaml
            is a method with the settings of a file.
        data: The folder that `isofield prepare` wrote.
        truth: The true meshes, named like the shapes, in the units of what was prepared.
        split: Its part "train" is learned, its part "test" is scored.
        out: The folder to write into.
        seeds: Trainings of each method whose result depends on the seed; the table has their mean and deviation.
        refine: A second row for each, with the field corrected after the code.
        most: Most test shapes (default: all).
        json: Print the table as JSON to standard output.
    """
    from rich.console import Console
    from rich.table import Table

    candidates = dict(candidate(name) for name in methods.split(","))
    check_output(out / "table.csv", ("csv",))
    from isofield.api.benchmark import FIGURES, benchmark, latex

    with shown("benchmark", progress) as report:
        rows = benchmark(
            candidates, data, truth, out, split, seeds=seeds, refine=refine, most=most, progress=report
        )  # fmt: skip
    flat = [
        {"name": row["name"], "shapes": row["shapes"], "seeds": row["seeds"]}
        | {figure: row.get(figure, "") for figure in FIGURES}
        | {f"{figure}_deviation": row["deviation"].get(figure, "") for figure in FIGURES}
        for row in rows
    ]
    output.write_table(flat, out / "table.csv")
    write_text(out / "table.tex", latex(rows, lambda row, figure: cell(row, figure, "$\\pm$")))
    if json:
        output.print_json(rows)
    else:
        table = Table("method", *(figure.replace("_", " ") for figure in FIGURES))
        for row in rows:
            table.add_row(str(row["name"]), *(cell(row, figure, "±") for figure in FIGURES))
        Console(width=160, highlight=False).print(table)
    for row in rows:
        if row.get(WON, row["shapes"]) <= row["shapes"] / 2:
            say(f"{row['name']} is no better than returning the nearest training shape.")
    say(f"next: isofield infer {output.quoted(out / next(iter(candidates)))} MESH -o DIR")
    return 0


def candidate(name: str) -> tuple[str, tuple[str, Any]]:
    """A row's name, its method and settings, out of METHOD, PRESET or METHOD=FILE."""
    from isofield.configs.methods import SPACES, find_method, method_names, owner_of, read_config

    method, _, file = name.partition("=")
    if file:
        return Path(file).stem, (method, read_config(method, file, SPACES))
    presets = [preset for one in method_names(SPACES) for preset in find_method(one, SPACES).presets]
    if name in presets and (owner := owner_of(name, SPACES)) is not None:
        return name, (owner, read_config(owner, name, SPACES))
    return name, (name, find_method(name, SPACES).settings())


def cell(row: Mapping[str, Any], figure: str, sign: str) -> str:
    """A cell: the mean and, of several seeds, the deviation."""
    value = row.get(figure)
    if value is None or value != value:
        return ""
    digits = DIGITS.get(figure, 3)
    apart = f" {sign} {row['deviation'][figure]:.{digits}f}" if row["seeds"] > 1 else ""
    of = f" of {row['shapes']}" if figure == WON else ""
    return f"{value:.{digits}f}{apart}{of}"
