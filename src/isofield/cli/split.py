"""`isofield split SOURCE -o F.json`: a seeded split of many shapes, by class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli.prepare import Layout


def split(
    source: Annotated[Path, tyro.conf.Positional],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT.json")],
    train: float = 0.8,
    layout: Layout = "auto",
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CLASS ...", help_behavior_hint="")] = (),
    seed: int = 0,
) -> int:
    """Divide shapes into train and test, class by class; the same seed gives the same split.

    Args:
        source: The folder with the shapes.
        out: The JSON file to write: {"train": {class: [ids]}, "test": {class: [ids]}}. `isofield prepare --split` takes
            it, or a list of ids.
        train: Fraction of every class for training.
        layout: How the shapes are stored in their folder; other packages may add layouts.
        classes: The classes to divide, by name or by ShapeNet's number (default: all).
        seed: Seed of the shuffling.
    """
    import sys

    from isofield import io
    from isofield.configs.common import check_seed
    from isofield.datasets import find, make_split, of_classes
    from isofield.datasets.manifest import write
    from isofield.errors import InputError

    check_seed(seed)
    if not 0 < train < 1:
        raise InputError(f"--train must be a fraction between 0 and 1, not {train:g}.")
    io.check_output(out, ("json",))
    entries = find(source, layout)[1]
    parts = make_split(of_classes(entries, classes) if classes else entries, {"train": train, "test": 1 - train}, seed)
    write(out, parts)
    for part, table in parts.items():
        print(f"{part}  {sum(map(len, table.values()))} shapes", file=sys.stderr)
    return 0
