"""`isofield split SOURCE -o F.json`: a seeded split of many shapes, by class."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from isofield.cli.parsing import Argument, Out
from isofield.cli.prepare import Layout
from isofield.configs.common import check_seed
from isofield.errors import InputError
from isofield.files import check_output


def split(
    source: Argument,
    *,
    out: Out,
    train: float = 0.8,
    valid: float = 0.0,
    layout: Layout = "auto",
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CLASS ...", help_behavior_hint="")] = (),
    most: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    seed: int = 0,
) -> int:
    """Divide shapes into train and test, class by class; the same seed gives the same split.

    Args:
        source: The folder with the shapes.
        out: The JSON file to write: {"train": {class: [ids]}, "test": {class: [ids]}}; or a folder, for lists
            train.lst and test.lst beside the shapes' names as in Occupancy Networks (CLASS/train.lst, one id a line).
            `isofield prepare --split` takes these files.
        train: Fraction of every class for training.
        valid: Fraction for choosing the best state of a training (--training.validate), as the part "valid".
        layout: How the shapes are stored in their folder; other packages may add layouts.
        classes: The classes to divide, by name or by ShapeNet's number (default: all).
        most: Take N random shapes (default: all), such as 3000 of MNIST's 70 000 pictures.
        seed: Seed of the shuffling, and of that choice.
    """
    import numpy as np

    from isofield.datasets import find, make_split, of_classes, write_lists
    from isofield.datasets.manifest import write

    check_seed(seed)
    for name, value in (("train", train), ("valid", valid)):
        if not 0 <= value < 1 or not train:
            raise InputError(f"--{name} must be a fraction between 0 and 1, not {value:g}.")
    if train + valid >= 1:
        raise InputError(f"--train and --valid leave nothing to test: {train:g} and {valid:g} must sum to less than 1.")
    lists = not out.suffix
    if not lists:
        check_output(out, ("json",))
    if most is not None and most < 2:
        raise InputError(f"--most must be at least 2, one to train and one to test, not {most}.")
    entries = find(source, layout)[1]
    shares = {"train": train, **({"valid": valid} if valid else {}), "test": 1 - train - valid}
    entries = of_classes(entries, classes) if classes else entries
    if most is not None:
        entries = [entries[k] for k in np.random.default_rng(seed).permutation(len(entries))[:most]]
    parts = make_split(entries, shares, seed)
    (write_lists if lists else write)(out, parts)
    for part, table in parts.items():
        print(f"{part}  {sum(map(len, table.values()))} shapes", file=sys.stderr)
    return 0
