"""The format of the folder of a field or a space, and its `config.json`, read without torch."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isofield.errors import InputError, did_you_mean
from isofield.files import atomic_write

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
"""Version of the format; newer versions are refused."""
CONFIG = "config.json"
SPACE = "space"
"""The kind of a folder that holds a space of shapes."""
STATE = "state.pt"
"""In the folder of a training, what it is resumed from."""
SPECS, MODEL = "specs.json", "ModelParameters"
"""In an experiment of the released codes, the settings of DeepSDF, and the folder of weights."""
SHIPPED = Path(__file__).parent / "spaces"
"""The spaces that come with the package, each in a folder of its name."""
CODES, REPORT, TIMING = "codes.npz", "report.csv", "timing.csv"
"""In the results of a space, the codes, a table of the shapes or pictures, and one of the seconds that each took."""
INPUTS = "inputs"
"""In the results of a space of shapes, the folder of copies of the pictures that they were inferred from."""
LOSSES = {"loss": "held-out loss, median", "loss_p95": "held-out loss, 95 %"}
"""What the losses of the training shapes are called in the provenance of a space, and for people."""
AGAIN = "copy the folder again, or fit or train again"


def resolve(folder: Path) -> Path:
    """The folder itself, or the space of that name that comes with the package if there is no such folder."""
    shipped = SHIPPED / folder.name
    return shipped if len(folder.parts) == 1 and not folder.exists() and shipped.is_dir() else folder


def reason(error: Exception) -> str:
    """What is wrong with the content of a file, in words for people."""
    return f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())


def unreadable(path: Path, error: Exception, remedy: str) -> InputError:
    """The error for a file of tensors that torch could not read, or refused because it holds code."""
    code = re.search(r"GLOBAL ([\w.]+\w)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if code:
        return InputError(
            f"{path} is refused: it calls {code[1]}, and isofield reads tensors only, never code; get the file from "
            "someone you trust."
        )
    return InputError(f"{path} is damaged ({reason(error).split('. ')[0][:120]}): {remedy}.")


def missing(folder: Path, remedy: str) -> InputError:
    """The error for a missing folder, or one without `config.json`. remedy: which folder to give."""
    names = sorted(space.name for space in SHIPPED.iterdir() if (space / CONFIG).is_file())
    problem = f"{folder} is neither a field nor a space (it has no {CONFIG})"
    if not folder.exists():
        problem = f"there is no folder {folder}{did_you_mean(folder.name, names)}"
    return InputError(f"{problem}: {remedy}.")


def read_folder_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of the folder of a field or a space.

    Raises InputError where there is no such folder or file, and for a newer format or a damaged file.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise missing(folder, "give the folder that `isofield fit --field` or `isofield train` wrote")
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


def write_codes(path: Path, ids: Sequence[str], codes: np.ndarray, **more: np.ndarray) -> None:
    """Writes codes.npz: ids (n,), codes (n, l), and further arrays by name."""
    import numpy as np

    with atomic_write(path) as beside:
        np.savez(beside, ids=np.array(ids), codes=codes, **more)  # type: ignore[arg-type]
