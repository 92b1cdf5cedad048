"""The files of a prepared data set.

OUT/manifest.json              format, versions, settings, and every shape with its outcome, in the order of ids
OUT/shapes/ID/record.json      the same for one shape; written once the shape is complete
OUT/shapes/ID/signed.npy       (n, 4), and so on: samples in random order, so that any slice is a random sample
OUT/report.csv, report.html    for people
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isofield.configs import PrepareConfig
from isofield.errors import InputError
from isofield.files import safe_id, write_text
from isofield.folder_format import reason
from isofield.types import Similarity, triple

FORMAT = 1
"""Version of these files; a reader refuses newer ones."""
MANIFEST, SETTINGS, RECORD, SHAPES = "manifest.json", "settings.json", "record.json", "shapes"
PICTURE = "picture.png"
"""A shape and its section, in the folder of the shape."""


@dataclass(frozen=True)
class Record:
    """One shape of a prepared data set.

    id, label, source: from the layout. outcome, reason, figures: from the quality gate. center, scale: the similarity
    from the file's units to the normalised space. files: SHA-256 of every array, by kind. fingerprint: of the source
    files, to notice changes. notes: warnings of the file's reader.
    """

    id: str
    label: str
    source: str
    outcome: str
    reason: str
    figures: dict[str, float] = field(default_factory=dict)
    center: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    files: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        safe_id(self.id)

    @property
    def similarity(self) -> Similarity:
        """From the file's units to the normalised space."""
        return Similarity(triple(self.center), self.scale)


def shape_folder(out: Path, id_: str) -> Path:
    """The folder of one shape."""
    return out / SHAPES / id_


def settings_of(config: PrepareConfig, layout: str) -> dict[str, Any]:
    """The settings that determine the samples."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return {"format": FORMAT, "layout": layout, **plain}


def begun(folder: Path) -> dict[str, Any] | None:
    """The settings that a folder was begun with, or None.

    Raises InputError where they are damaged or of another format, and where the folder holds other files.
    """
    path = folder / SETTINGS
    if not path.is_file():
        if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise InputError(f"{folder} holds other files: give an empty or a new folder.")
        return None
    try:
        before: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}): prepare into another folder.") from None
    if before.get("format") != FORMAT:
        version = before.get("format", "no version")
        raise InputError(
            f"{folder} has format {version}, and this isofield writes {FORMAT}: prepare into another folder."
        )
    return before


def check_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Writes the settings of a folder, or compares them with those that it was begun with.

    Raises InputError where they differ, and as `begun` does.
    """
    before = begun(folder)
    if before is not None:
        differ = sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))
        if differ:
            raise InputError(
                f"{folder} was begun with other settings ({', '.join(differ)}): use the same ones, or another folder."
            )
        return
    write(folder / SETTINGS, settings)


def write(path: Path, content: Any) -> None:
    """Writes JSON. Raises InputError where the system refuses."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def read(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], list[Record]]:
    """The settings and records of a prepared folder.

    Raises InputError for a folder that is not prepared, not finished, damaged, or of a newer format.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        how = (
            "run the same `isofield prepare` again to finish it"
            if (folder / SETTINGS).is_file()
            else ("give the folder that `isofield prepare` wrote")
        )
        raise InputError(f"{folder} has no {MANIFEST}: {how}.")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        settings, version = table["settings"], int(table["settings"]["format"])
        records = [Record(**row) for row in table["shapes"]] if version <= FORMAT else []
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path} is damaged ({reason(error).rstrip('.')}): prepare the data set again.") from None
    if version > FORMAT:
        raise InputError(f"{folder} has format {version}, newer than the {FORMAT} that is read here: upgrade isofield.")
    return settings, records
