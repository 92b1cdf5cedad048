"""ModelNet (Wu et al. 2015): class/train/name.off and class/test/name.off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import Entry


def find(source: Path) -> Iterator[Entry]:
    """Every .off file of the folders train and test of every class; ids keep them apart."""
    for path in sorted(source.glob("*/*/*.off")):
        label, part = path.parts[-3], path.parts[-2]
        if part in ("train", "test"):
            yield Entry(f"{label}/{part}/{path.stem}", label, path)
