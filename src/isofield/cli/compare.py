"""`isofield compare METHODS DATA --truth FOLDER --split F.json -o DIR`: several ways to a space in one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from isofield.configs import SpaceConfig

DIGITS = {
    "megabytes": 1, "kilobytes_a_shape": 1, "training_seconds": 0, "seconds_a_shape": 2, "worst": 2,
    "better_than_retrieval": 0, "accuracy": 4, "emd": 4,
}  # fmt: skip
"""Decimals of the figures; others have three."""


WON = "better_than_retrieval"
"""The column that counts shapes."""


def compare(
    methods: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="METHOD,METHOD,...")],
    data: Annotated[Path, tyro.conf.Positional],
    *,
    truth: Annotated[Path, tyro.conf.arg(metavar="FOLDER")],
    split: Annotated[Path, tyro.conf.arg(metavar="FILE.json")],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    seeds: int = 1,
    refine: bool = True,
    most: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Train several methods on the same shapes, and score them on shapes that they have not seen: one table.

    DIR gets a run for every method and seed, table.csv and table.tex. Runs that are there already are taken as they
    are.

    Args:
        methods: Names with commas between: linear, deepsdf-small, deepsdf-mlp, deepsdf-paper, or .yaml files of
            settings (`base: NAME` first).
        data: The folder that `isofield prepare` wrote.
        truth: The true meshes, called as the shapes are, in the units of what was prepared.
        split: Its part "train" is learned, its part "test" asked for.
        out: The folder to write into.
        seeds: So many trainings of every method: their mean and deviation.
        refine: A second row for each, with the field adapted after the code.
        most: So many of the test shapes (default: all).
        progress: Show progress on standard error.
        json: Print the table as JSON to standard output.
    """
    from rich.console import Console
    from rich.table import Table

    from isofield import io
    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.cli.signals import listen
    from isofield.files import atomic_write

    settings = {Path(name).stem: settings_of(name) for name in methods.split(",")}
    io.check_output(out / "table.csv", ("csv",))
    listen()
    from isofield.api.benchmark import FIGURES, compare_methods, latex

    with shown("compare", progress) as report:
        rows = compare_methods(
            settings, data, truth, out, split, seeds=seeds, refine=refine, most=most, progress=report
        )  # fmt: skip
    flat = [
        {"name": row["name"], "shapes": row["shapes"], "seeds": row["seeds"]}
        | {figure: row.get(figure, "") for figure in FIGURES}
        | {f"{figure}_deviation": row["deviation"].get(figure, "") for figure in FIGURES}
        for row in rows
    ]
    output.write_table(flat, out / "table.csv")
    with atomic_write(out / "table.tex") as beside:
        beside.write_text(latex(rows, lambda row, figure: cell(row, figure, "$\\pm$")), encoding="utf-8")
    if json:
        output.print_json(rows)
    else:
        table = Table("method", *(figure.replace("_", " ") for figure in FIGURES))
        for row in rows:
            table.add_row(str(row["name"]), *(cell(row, figure, "±") for figure in FIGURES))
        Console(width=160, highlight=False).print(table)
    for row in rows:
        if row.get(WON, row["shapes"]) <= row["shapes"] / 2:
            output.note(f"{row['name']} has not learned more than to hand out what it was given.")
    output.note(f"next: isofield infer {output.quoted(out / next(iter(settings)))} MESH -o DIR")
    return 0


def settings_of(name: str) -> SpaceConfig:
    """The settings that a name or a file stands for."""
    from isofield.cli.presets import read_settings
    from isofield.configs import DEFAULTS

    return DEFAULTS["linear"] if name == "linear" else read_settings("deepsdf", name)


def cell(row: Mapping[str, Any], figure: str, sign: str) -> str:
    """A cell: the mean and, of several seeds, the deviation."""
    value = row.get(figure)
    if value is None or value != value:
        return ""
    digits = DIGITS.get(figure, 3)
    apart = f" {sign} {row['deviation'][figure]:.{digits}f}" if row["seeds"] > 1 else ""
    of = f" of {row['shapes']}" if figure == WON else ""
    return f"{value:.{digits}f}{apart}{of}"
