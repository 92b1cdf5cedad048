"""One shape of a data set, before anybody has read it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from isofield.datasets.manifest import SETTINGS
from isofield.files import safe_id

MESHES = (".ply", ".obj", ".off", ".stl", ".glb", ".gltf")
CLOUDS = (".xyz", ".pts", ".asc", ".pcd", ".npy", ".npz", ".las", ".laz", ".e57")
"""Extensions of what is looked for in folders; .txt and .csv are read, too, but are mostly something else."""


@dataclass(frozen=True)
class Entry:
    """id: its path within the data set, with slashes, without extension. label: its class, "" where there are none.
    path: its file. made: samples that others made of it, by kind; each a file, of which path is one, or a folder."""

    id: str
    label: str
    path: Path
    made: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        safe_id(self.id)


def files(folder: Path, endings: tuple[str, ...] = MESHES) -> Iterator[Path]:
    """All files below a folder with one of these endings, in order; a link that leads back up is not followed twice.

    What `isofield prepare` wrote is left out.
    """
    seen = {os.path.realpath(folder)}
    for top, names, found in os.walk(folder, followlinks=True):
        if SETTINGS in found and is_prepared(Path(top)):
            names.clear()
            continue
        kept = []
        for name in sorted(names):
            place = os.path.realpath(os.path.join(top, name))
            if place not in seen and not name.startswith("."):
                seen.add(place)
                kept.append(name)
        names[:] = kept
        yield from (Path(top) / name for name in sorted(found) if name.lower().endswith(endings))


def is_prepared(folder: Path) -> bool:
    """Whether `isofield prepare` wrote a folder, or began to."""
    try:
        return {"format", "layout", "samples"} <= json.loads((folder / SETTINGS).read_text(encoding="utf-8")).keys()
    except (OSError, ValueError, AttributeError):
        return False
