"""What the folder of a field or of a space says of itself, read without loading either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isofield.errors import InputError, did_you_mean

FORMAT = 1
"""Version of the folder's layout; a reader refuses newer ones."""
CONFIG, TENSORS = "config.json", "field.safetensors"
SPACE = "space"
"""The kind of a folder that holds a space of shapes, and the name of its tensors."""
SHIPPED = Path(__file__).parent / "spaces"
"""Where the spaces lie that come with the package, each in a folder of its name."""
AGAIN = "copy the folder anew, or fit or train again"


def place(folder: Path) -> Path:
    """The folder itself, or where there is none, the space of that name that comes with the package."""
    shipped = SHIPPED / folder.name
    return shipped if len(folder.parts) == 1 and not folder.exists() and shipped.is_dir() else folder


def _shipped() -> list[str]:
    """Names of the spaces that come with the package."""
    return sorted(space.name for space in SHIPPED.iterdir() if (space / CONFIG).is_file())


def reason(error: Exception) -> str:
    """What is wrong with a folder's content, in words for people."""
    return f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())


def read_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of the folder of a field or of a space.

    Raises InputError for what is none, one of a newer format, or a file that is damaged.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(
            f"{folder} holds no field and no space (it has no {CONFIG}){did_you_mean(folder.name, _shipped())}: give "
            "the folder that `isofield fit` or `isofield train` wrote."
        )
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = int(config["format"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path} is damaged ({reason(error)}): {AGAIN}.") from error
    if version > FORMAT:
        raise InputError(
            f"{folder} has format {version}, newer than the {FORMAT} that this isofield reads: upgrade isofield."
        )
    return config
