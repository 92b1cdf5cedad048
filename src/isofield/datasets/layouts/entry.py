"""One shape of a data set, before anybody has read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MESHES = (".ply", ".obj", ".off", ".stl", ".glb", ".gltf")
"""Extensions of what is looked for in folders."""


@dataclass(frozen=True)
class Entry:
    """id: its path within the data set, with slashes, without extension. label: its class, "" where there are none.
    path: its file."""

    id: str
    label: str
    path: Path


def files(folder: Path, endings: tuple[str, ...] = MESHES) -> Iterator[Path]:
    """All files below a folder with one of these endings, in order; a link that leads back up is not followed twice."""
    seen = {os.path.realpath(folder)}
    for top, names, found in os.walk(folder, followlinks=True):
        kept = []
        for name in sorted(names):
            place = os.path.realpath(os.path.join(top, name))
            if place not in seen and not name.startswith("."):
                seen.add(place)
                kept.append(name)
        names[:] = kept
        yield from (Path(top) / name for name in sorted(found) if name.lower().endswith(endings))
