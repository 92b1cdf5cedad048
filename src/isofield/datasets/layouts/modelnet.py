"""ModelNet (Wu et al. 2015): class/train/name.off and class/test/name.off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layout import Entry, Layout

PARTS = ("train", "test")


def find(folder: Path) -> Iterator[Entry]:
    """Every .off file in the folders train and test of every class, or of the given one; ids keep the two apart."""
    for part in PARTS:
        for path in (*folder.glob(f"*/{part}/*.off"), *folder.resolve().glob(f"{part}/*.off")):
            label = path.parts[-3]
            yield Entry(f"{label}/{part}/{path.stem}", label, path)


LAYOUT = Layout(find, "the folder of the classes, or one class with its train and test")
