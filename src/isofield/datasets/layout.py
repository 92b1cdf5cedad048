"""What a layout of data sets declares, and the shapes that it finds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isofield.datasets.manifest import SETTINGS
from isofield.errors import InputError
from isofield.files import printable, safe_id
from isofield.types import Similarity

MESHES = (".ply", ".obj", ".off", ".stl", ".glb", ".gltf", ".binvox")
CLOUDS = (".xyz", ".pts", ".asc", ".pwn", ".xyzn", ".xyzrgb", ".pcd", ".npy", ".npz", ".las", ".laz", ".e57")
"""Extensions that are searched for in folders. (.txt and .csv can be read, but mostly hold other things.)"""


@dataclass(frozen=True)
class Precomputed:
    """Samples of one shape that others published.

    rows: (n, k) per kind, in the normalised space, with the columns of isofield's own samples; surface samples may lack
    normals. dropped: number of samples left out because they are not finite. similarity: from the shape's units to the
    normalised space.
    """

    rows: dict[str, np.ndarray]
    dropped: int
    similarity: Similarity


@dataclass(frozen=True)
class Entry:
    """One shape of a data set, not yet read.

    id: its path within the data set, with slashes, without extension. label: its class, or "". path: its file.
    precomputed: files of published samples, by kind (signed, occupancy, surface; for views a folder of pictures with
    `cameras.npz` as in Occupancy Networks). read: (precomputed, kinds) to these samples; raises InputError for damaged
    files. picture: for a shape in a picture, reads that: (h, w, c) from 0 to 1 (`io.pictures`); it can be pickled.
    """

    id: str
    label: str
    path: Path
    precomputed: Mapping[str, Path] = field(default_factory=dict)
    read: Callable[[Mapping[str, Path], Collection[str]], Precomputed] | None = None
    picture: Callable[[], np.ndarray] | None = None

    def __post_init__(self) -> None:
        safe_id(self.id)
        if self.precomputed and self.read is None:
            raise TypeError("an Entry with precomputed samples needs a function that reads them")


@dataclass(frozen=True)
class Layout:
    """How the shapes of a data set are stored in a folder.

    Each module of `datasets.layouts` declares one as `LAYOUT`; another package declares one as an entry point of the
    group `isofield.layouts`. The name of the module, or of the entry point, is that of the layout.

    find: a folder to its shapes, in any order; none where the folder has another layout. folder: which folder to give,
    for error messages. general: whether it also finds shapes in folders of other layouts, so that it is tried last.
    """

    find: Callable[[Path], Iterable[Entry]]
    folder: str
    general: bool = False


def files(folder: Path, endings: tuple[str, ...] = MESHES) -> Iterator[Path]:
    """All files below a folder with one of these endings, sorted. Links to folders are followed once; folders that
    `isofield prepare` wrote are skipped, and so are names that begin with a dot, as macOS has ._x.ply beside x.ply."""
    seen = {os.path.realpath(folder)}
    for top, folders, names in os.walk(folder, followlinks=True):
        if SETTINGS in names and is_prepared(Path(top)):
            folders.clear()
            continue
        kept = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(top, name))
            if real not in seen and not name.startswith("."):
                seen.add(real)
                kept.append(name)
        folders[:] = kept
        shown = (name for name in sorted(names) if not name.startswith("."))
        yield from (Path(top) / name for name in shown if name.lower().endswith(endings))


def is_prepared(folder: Path) -> bool:
    """Whether `isofield prepare` wrote a folder, or started to."""
    try:
        return {"format", "layout", "samples"} <= json.loads((folder / SETTINGS).read_text(encoding="utf-8")).keys()
    except (OSError, ValueError, AttributeError):
        return False


def check_no_data(folder: Path) -> None:
    """Raises InputError where a folder for results holds prepared data, whose files would be replaced."""
    if is_prepared(folder):
        raise InputError(f"{printable(folder)} holds prepared data: choose another folder for the results.")
