"""The layouts of data sets: each is a module here, or an entry point of another package (`datasets.layout.Layout`)."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from isofield.datasets.layout import Entry, Layout, is_prepared
from isofield.datasets.layouts import idx
from isofield.errors import InputError, did_you_mean
from isofield.plugins import modules, plugins

__all__ = ["PICTURE_FILES", "SOLID_FILES", "find", "in_file", "layouts"]


def layouts() -> dict[str, Layout]:
    """Every layout by its name, in the order in which they are tried: built-in ones first, general ones last."""
    named = {name: import_module(f"{__name__}.{name}").LAYOUT for name in modules("datasets/layouts")}
    named = named | plugins("isofield.layouts", Layout) | named  # in this order, and no name of ours is taken over
    return dict(sorted(named.items(), key=lambda item: item[1].general))


SOLID_FILES, PICTURE_FILES = "meshes (.ply .obj .off .stl .glb) or clouds (.xyz .npy)", "pictures (.png .jpg)"
"""What a folder can contain, for error messages."""


def find(
    source: str | os.PathLike[str], layout: str = "auto", wanted: str = f"{SOLID_FILES}, or {PICTURE_FILES}"
) -> tuple[str, list[Entry]]:
    """The layout of a folder and its shapes, sorted by id; "auto" takes the first layout that finds shapes.

    wanted: what the folder should contain, for the error message.

    Raises InputError for an unknown layout, for a folder that does not exist, holds no shapes or is prepared already,
    and for ids that differ only in case, which some disks cannot tell apart.
    """
    source, known = Path(source), layouts()
    if layout not in ("auto", *known):
        near = did_you_mean(layout, ("auto", *known))
        raise InputError(f"there is no layout '{layout}'{near}; choose among auto, {', '.join(known)}.")
    if source.is_file():
        raise InputError(f"{source} is a file: give the folder that holds the shapes.")
    if not source.is_dir():
        raise InputError(f"there is no folder {source}: give the one that holds the shapes.")
    if is_prepared(source):
        raise InputError(f"{source} is the output of `isofield prepare`: give the folder of the original shapes.")
    for name in known if layout == "auto" else [layout]:
        entries = sorted(known[name].find(source), key=lambda entry: entry.id)
        if entries:
            _check(entries)
            return name, entries
    if layout != "auto":
        raise InputError(f"{source} holds no shapes in the layout '{layout}': give {known[layout].folder}.")
    raise InputError(f"{source} holds no shapes: give a folder with {wanted}.")


def in_file(path: Path, alone: bool = True) -> list[Entry]:
    """The shape in a file, or every picture in one of MNIST's own; alone: no other file is given, so that these need
    not begin with the name of theirs. Raises InputError for a damaged file of pictures."""
    if path.name.lower().endswith(idx.ENDINGS):
        return list(idx.of_file(path, "" if alone else f"{idx.set_of(path)}/"))
    return [Entry(path.stem, "", path)]


def _check(entries: list[Entry]) -> None:
    """Raises InputError for ids that differ only in case, and for an id that is the folder of another."""
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
