"""Samples in the files of DeepSDF's release: `pos` and `neg`, each (n, 4) of x y z and distance."""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from isofield import io
from isofield.datasets.layouts.deepsdf import NORMALIZATION, SAMPLES
from isofield.datasets.manifest import Record
from isofield.errors import InputError
from isofield.files import atomic_write
from isofield.types import Similarity


def read_deepsdf(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The samples (n, 4) of one file, those outside first; how many rows with a NaN were dropped, as in the release;
    and the way to its normalised space, the identity where NormalizationParameters lacks the shape.

    Raises InputError for a file that is none of theirs. Nothing is unpickled.
    """
    path = Path(path)
    parts = [np.asarray(part, np.float32) for part in load(path, ("pos", "neg"), "DeepSDF")]
    if any(part.ndim != 2 or part.shape[1] != 4 for part in parts):
        raise InputError(f"{path} holds no samples of DeepSDF (pos and neg are not (n, 4)): copy or make it again.")
    rows, lost = finite(np.concatenate(parts), path)
    return rows, lost, normalization_of(path) or Similarity((0.0, 0.0, 0.0), 1.0)


def load(path: Path, names: Sequence[str], whose: str) -> list[np.ndarray]:
    """The arrays of these names in a .npz file. Raises InputError where one is missing or damaged; whose: samples these
    would be, for the message. Nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = [held[name] for name in names]
            if any(array.dtype.kind not in "fiub" for array in arrays):
                raise ValueError("something else than numbers")
            return arrays
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path} holds no samples of {whose} ({_words(error)}): copy or make it again.") from None


def _words(error: Exception) -> str:
    return error.args[0] if isinstance(error, KeyError) else " ".join(str(error).split())


def finite(rows: np.ndarray, path: Path) -> tuple[np.ndarray, int]:
    """The rows (n, k) that are finite, and how many are not. Raises InputError where none is left."""
    good = np.isfinite(rows).all(axis=1)
    if not good.any():
        raise InputError(f"{path} holds no finite samples: make it again.")
    return rows[good], int((~good).sum())


def read_surface(path: str | os.PathLike[str], similarity: Similarity) -> tuple[np.ndarray, int]:
    """The points (n, 3) of a .ply of SurfaceSamples, normalised; and how many were dropped because they are not finite.

    They are the file's vertices; it has faces that join any three of them, and no normals. Raises InputError for what
    is none of theirs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return finite(similarity.apply(io.vertices_of(io.read(path))), Path(path))


def normalization_of(path: Path) -> Similarity | None:
    """Their p -> (p + offset) * scale, of the file that lies at the same place below NormalizationParameters, or None.
    Raises InputError where it is damaged."""
    parts = list(path.parts)
    if SAMPLES not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index(SAMPLES)
    beside = Path(*parts[:at], NORMALIZATION, *parts[at + 1 :])
    if not beside.is_file():
        return None
    offset, scale = load(beside, ("offset", "scale"), "DeepSDF")
    return placed(-offset, scale, beside)


def placed(center: np.ndarray, scale: np.ndarray, path: Path) -> Similarity:
    """The similarity of a published centre (3,) and scale, one number. Raises InputError for what is none."""
    try:
        x, y, z = np.asarray(center, np.float64).reshape(3).tolist()
        (factor,) = np.asarray(scale, np.float64).reshape(-1).tolist()
    except ValueError as error:
        raise InputError(f"{path} holds no centre and scale ({error}): copy it again.") from None
    if not np.isfinite([x, y, z]).all() or not 0 < factor < np.inf:
        raise InputError(f"{path} has the centre {x, y, z} and the scale {factor}: copy it again.")
    return Similarity((x, y, z), factor)


def write_deepsdf(rows: np.ndarray, record: Record, folder: str | os.PathLike[str], dataset: str = "isofield") -> Path:
    """Writes samples (n, 4) as the release has them: SdfSamples/dataset/ID.npz and its NormalizationParameters. The
    path of the samples."""
    folder = Path(folder)
    path = folder / SAMPLES / dataset / f"{record.id}.npz"
    beside = folder / NORMALIZATION / dataset / f"{record.id}.npz"
    outside = rows[:, 3] > 0
    rows = np.asarray(rows, np.float32)
    save(path, {"pos": rows[outside], "neg": rows[~outside]})
    offset, scale = -np.asarray(record.center, np.float32), np.array([record.scale], np.float32)
    save(beside, {"offset": offset, "scale": scale})
    return path


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays as a .npz. Raises InputError where the system refuses."""
    with atomic_write(path) as beside:
        np.savez(beside, **arrays)  # type: ignore[arg-type]
