"""A folder of meshes at any depth: D-FAUST's frames, chunks of ABC and Thingi10K, and most people's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import Entry, files


def find(source: Path) -> Iterator[Entry]:
    """Every mesh file; its class is the first folder on the way to it. Files of one name keep their extensions."""
    paths = list(files(source))
    number = Counter(path.with_suffix("") for path in paths)
    for path in paths:
        within = path.relative_to(source)
        within = within if number[path.with_suffix("")] > 1 else within.with_suffix("")
        yield Entry(within.as_posix(), within.parts[0] if len(within.parts) > 1 else "", path)
