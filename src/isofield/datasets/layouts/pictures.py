"""A folder of pictures at any depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from isofield.datasets.layout import Entry, Layout, files
from isofield.io.pictures import PICTURES, read_picture


def find(folder: Path) -> Iterator[Entry]:
    """Every picture by its path without extension, which stays where several have the same; the class is the first
    folder."""
    paths = list(files(folder, PICTURES))
    count = Counter(path.with_suffix("") for path in paths)
    for path in paths:
        bare = path.with_suffix("")
        within = (path if count[bare] > 1 else bare).relative_to(folder)
        label = within.parts[0] if len(within.parts) > 1 else ""
        yield Entry(within.as_posix(), label, path, picture=partial(read_picture, path))


LAYOUT = Layout(find, "a folder of pictures (.png .jpg and others)", general=True)
