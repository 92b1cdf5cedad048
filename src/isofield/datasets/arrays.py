"""Arrays of published samples: read with a clear error where they are damaged, and written whole."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.types import Similarity


def load(path: Path, names: Sequence[str], source: str) -> list[np.ndarray]:
    """The numeric arrays of these names in a .npz file; nothing is unpickled. source: whose format it should be, for
    the error. Raises InputError where an array is missing, damaged or not numeric."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = [archive[name] for name in names]
            if any(array.dtype.kind not in "fiub" for array in arrays):
                raise ValueError("an array does not hold numbers")
            return arrays
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile, zlib.error) as error:
        why = error.args[0] if isinstance(error, KeyError) else " ".join(str(error).split())
        raise InputError(f"{path} holds no samples of {source} ({why}): copy or create it again.") from None


def finite(rows: np.ndarray, path: Path) -> tuple[np.ndarray, int]:
    """The finite rows of (n, k), and the number of others. Raises InputError where no row is finite."""
    good = np.isfinite(rows).all(axis=1)
    if not good.any():
        raise InputError(f"{path} holds no finite samples: create it again.")
    return rows[good], int((~good).sum())


def similarity(center: np.ndarray, scale: np.ndarray, path: Path) -> Similarity:
    """The similarity of a published centre (3,) and scale (one number). Raises InputError where these are invalid."""
    try:
        x, y, z = np.asarray(center, np.float64).reshape(3).tolist()
        (factor,) = np.asarray(scale, np.float64).reshape(-1).tolist()
    except ValueError as error:
        raise InputError(f"{path} holds no centre and scale ({error}): copy it again.") from None
    if not np.isfinite([x, y, z]).all() or not 0 < factor < np.inf:
        raise InputError(f"{path} has the centre {x, y, z} and the scale {factor}: copy it again.")
    return Similarity((x, y, z), factor)


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays as a .npz file. Raises InputError where the system refuses."""
    with atomic_write(path) as beside:
        np.savez(beside, **arrays)  # type: ignore[arg-type]
