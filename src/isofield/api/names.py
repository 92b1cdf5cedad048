"""Names of shapes in files, where the names of two files are equal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from isofield.errors import InputError


def distinct(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """The names of files and folders, or where two are equal, their paths below the folder that all have in common,
    without the extensions of files. Raises InputError for two files that differ in their extensions alone, and for one
    that is given twice."""
    if len({*names}) == len(names):
        return list(names)
    bare = [Path(os.path.abspath(path)) for path in paths]
    bare = [one if one.is_dir() else one.with_suffix("") for one in bare]
    common, named = os.path.commonpath([path.parent for path in bare]), dict[str, Path]()
    for path, one in zip(bare, paths, strict=True):
        name = path.relative_to(common).as_posix()
        if name in named:
            raise InputError(f"{named[name]} and {one} would both be called {name}: rename one.")
        named[name] = one
    return list(named)
