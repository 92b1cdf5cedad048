"""A folder of meshes and clouds at any depth: D-FAUST's frames, chunks of ABC and Thingi10K, and most people's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import CLOUDS, MESHES, Entry, files
from isofield.io.formats.numpy_files import may_be_points
from isofield.points.validation import FEWEST


def find(source: Path) -> Iterator[Entry]:
    """Every file with a shape; files of one name keep their extensions. The class is the first folder on the way to it;
    a folder that is called as its only shape begins, as in a chunk of ABC, is none."""
    paths = [path for path in files(source, MESHES + CLOUDS) if _is_shape(path)]
    number = Counter(path.with_suffix("") for path in paths) + Counter(paths)  # x.xyz is x.xyz.npy without its last
    folders = [parts[0] if len(parts := path.relative_to(source).parts) > 1 else "" for path in paths]
    held = Counter(folders)
    for path, folder in zip(paths, folders, strict=True):
        bare = path.with_suffix("")
        within = (path if number[bare] > 1 else bare).relative_to(source)
        own = held[folder] == 1 and path.name.startswith(f"{folder}_")
        yield Entry(within.as_posix(), "" if own else folder, path)


def _is_shape(path: Path) -> bool:
    """Whether a file may be a shape: no array of numbers of another kind."""
    return path.suffix.lower() not in (".npy", ".npz") or may_be_points(path, FEWEST)
