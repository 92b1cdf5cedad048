"""ModelNet (Wu et al. 2015): class/train/name.off and class/test/name.off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import Entry

PARTS = ("train", "test")


def find(source: Path) -> Iterator[Entry]:
    """Every .off file of the folders train and test of every class, or of the class that is given; ids keep them
    apart."""
    one = source.resolve()
    alone = any(next((one / part).glob("*.off"), None) for part in PARTS)
    for path in sorted(one.glob("*/*.off") if alone else source.glob("*/*/*.off")):
        label, part = path.parts[-3], path.parts[-2]
        if part in PARTS:
            yield Entry(f"{label}/{part}/{path.stem}", label, path)
