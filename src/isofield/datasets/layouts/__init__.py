"""Where data sets keep their shapes: every layout is a file here whose `find(source)` yields `Entry`s."""

from __future__ import annotations

import os
from pathlib import Path

from isofield.datasets.layouts import deepsdf, meshes, modelnet, occupancy, points2surf, shapenet
from isofield.datasets.layouts.entry import Entry, is_prepared
from isofield.errors import InputError

LAYOUTS = {
    "deepsdf": deepsdf.find, "occupancy": occupancy.find, "points2surf": points2surf.find, "shapenet": shapenet.find,
    "modelnet": modelnet.find, "meshes": meshes.find,
}  # fmt: skip
"""Every layout by its name, the particular ones first: the first that finds shapes is taken."""

WHOLE = {
    "deepsdf": "the folder that holds SdfSamples", "occupancy": "the folder of the data set, or one of its classes",
    "points2surf": "the folder that holds 03_meshes",
    "shapenet": "the folder of the classes (02691156, ...), or one class",
    "modelnet": "the folder of the classes, or one class with its train and test",
}  # fmt: skip
"""What to point at."""

__all__ = ["LAYOUTS", "Entry", "find"]


def find(source: str | os.PathLike[str], layout: str = "auto") -> tuple[str, list[Entry]]:
    """The layout of a folder and its shapes, by their ids' order.

    Raises InputError for an unknown layout, a folder that is not there, holds no shapes or was prepared already, and
    for ids that differ in case alone (they would be one on some disks).
    """
    source = Path(source)
    if layout != "auto" and layout not in LAYOUTS:
        raise InputError(f"layout {layout!r} is unknown: take auto or one of {', '.join(LAYOUTS)}.")
    if not source.is_dir():
        raise InputError(f"There is no folder {source}: give the one that holds the shapes.")
    if is_prepared(source):
        raise InputError(f"{source} is what `isofield prepare` wrote: give the folder of shapes that it was made of.")
    for name in LAYOUTS if layout == "auto" else [layout]:
        entries = sorted(LAYOUTS[name](source), key=lambda entry: entry.id)
        if entries:
            _check(entries)
            return name, entries
    if layout != "auto":
        whole = WHOLE.get(layout, "the folder that holds them")
        raise InputError(f"{source} holds no shapes in the layout {layout!r}: give {whole}.")
    raise InputError(
        f"{source} holds no shapes: give a folder with meshes (.ply .obj .off .stl .glb) or clouds (.xyz .npy)."
    )


def _check(entries: list[Entry]) -> None:
    """Raises InputError for ids that differ in case alone, and for one that is the folder of another."""
    ids = {entry.id: entry for entry in entries}
    for entry in entries:
        parts = entry.id.split("/")
        above = next((p for k in range(1, len(parts)) if (p := "/".join(parts[:k])) in ids), None)
        if above is not None:
            raise InputError(f"{ids[above].path} has the name of the folder of {entry.path}: rename one.")
    seen: dict[str, Entry] = {}
    for entry in entries:
        other = seen.setdefault(entry.id.lower(), entry)
        if other is not entry:
            raise InputError(f"{other.path} and {entry.path} would have the same id ({entry.id}): rename one.")
