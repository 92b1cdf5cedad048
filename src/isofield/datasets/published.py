"""Samples in the files of DeepSDF's release: `pos` and `neg`, each (n, 4) of x y z and distance."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from isofield.datasets.layouts.deepsdf import NORMALIZATION, SAMPLES
from isofield.datasets.manifest import Record
from isofield.errors import InputError
from isofield.types import Similarity


def read_deepsdf(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The samples (n, 4) of one file, those outside first; how many rows with a NaN were dropped, as in the release;
    and the way to its normalised space, the identity where NormalizationParameters lacks the shape.

    Raises InputError for a file that is none of theirs. Nothing is unpickled.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as held:
            parts = [np.asarray(held[name], np.float32) for name in ("pos", "neg")]
        if any(part.ndim != 2 or part.shape[1] != 4 for part in parts):
            raise ValueError("pos and neg are not (n, 4)")
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} holds no samples of DeepSDF ({what}): copy or make it again.") from None
    rows = np.concatenate(parts)
    good = np.isfinite(rows).all(axis=1)
    if not good.any():
        raise InputError(f"{path} holds no finite samples: make it again.")
    return rows[good], int((~good).sum()), _similarity(path)


def _similarity(path: Path) -> Similarity:
    """Their p -> (p + offset) * scale, of the file that lies at the same place below NormalizationParameters."""
    parts = list(path.parts)
    if SAMPLES not in parts:
        return Similarity((0.0, 0.0, 0.0), 1.0)
    at = len(parts) - 1 - parts[::-1].index(SAMPLES)
    beside = Path(*parts[:at], NORMALIZATION, *parts[at + 1 :])
    if not beside.is_file():
        return Similarity((0.0, 0.0, 0.0), 1.0)
    try:
        with np.load(beside, allow_pickle=False) as held:
            x, y, z = (-np.asarray(held["offset"], np.float64).reshape(3)).tolist()
            return Similarity((x, y, z), float(np.asarray(held["scale"]).reshape(-1)[0]))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{beside} holds no offset and scale ({error}): copy it again.") from None


def write_deepsdf(rows: np.ndarray, record: Record, folder: str | os.PathLike[str], dataset: str = "isofield") -> Path:
    """Writes samples (n, 4) as the release has them: SdfSamples/dataset/ID.npz and its NormalizationParameters. The
    path of the samples."""
    folder = Path(folder)
    path = folder / SAMPLES / dataset / f"{record.id}.npz"
    beside = folder / NORMALIZATION / dataset / f"{record.id}.npz"
    outside = rows[:, 3] > 0
    for place, arrays in (
        (path, {"pos": rows[outside], "neg": rows[~outside]}),
        (beside, {"offset": -np.asarray(record.center), "scale": np.array([record.scale])}),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        np.savez(place, **{name: np.asarray(values, np.float32) for name, values in arrays.items()})  # type: ignore[arg-type]
    return path
