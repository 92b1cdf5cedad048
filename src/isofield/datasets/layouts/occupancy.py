"""Occupancy Networks (Mescheder et al. 2019): class/model/ with points.npz, pointcloud.npz and folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from isofield.datasets.layouts.entry import Entry
from isofield.datasets.layouts.shapenet import NAMES

FILES = {"occupancy": "points.npz", "surface": "pointcloud.npz"}
ARRAYS = {"occupancy": {"points.npy", "occupancies.npy"}, "surface": {"points.npy", "loc.npy", "scale.npy"}}
CAMERAS = "cameras.npz"


def find(source: Path) -> Iterator[Entry]:
    """Every model of all classes, or of one. Classes are called as metadata.yaml, a JSON, says, or as ShapeNet's."""
    models: list[Path] = []
    for depth in ("*/*", "*"):
        models = models or sorted({path.parent for name in FILES.values() for path in source.glob(f"{depth}/{name}")})
    if not models or not _theirs(models[0]):
        return
    names = NAMES | _names(source / "metadata.yaml")
    for model in models:
        made = {kind: path for kind, name in FILES.items() if (path := model / name).is_file()}
        path, label = next(iter(made.values())), model.resolve().parent.name
        pictures = [place.parent for place in sorted(model.glob(f"img*/{CAMERAS}"))]
        made |= {"views": pictures[0]} if pictures else {}
        yield Entry(model.relative_to(source).as_posix(), names.get(label, label), path, made)


def _theirs(model: Path) -> bool:
    """Whether a model's files have the arrays of theirs; one that cannot be opened may have."""
    for kind, name in FILES.items():
        try:
            with ZipFile(model / name) as archive:
                if ARRAYS[kind] <= {*archive.namelist()}:
                    return True
        except FileNotFoundError:
            continue
        except (OSError, BadZipFile):
            return True
    return False


def _names(path: Path) -> dict[str, str]:
    """The first name of every class in their table of classes."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {number: row["name"].split(",")[0] for number, row in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
