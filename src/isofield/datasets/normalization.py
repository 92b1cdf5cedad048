"""Where shapes come to lie in the normalised space: each by itself, a data set as one, or as its units are."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np

from isofield import io
from isofield.configs import PrepareConfig
from isofield.datasets.isolation import alone
from isofield.datasets.layout import Entry
from isofield.errors import InputError
from isofield.points import check_cloud, check_faces, normalization
from isofield.types import Cloud, Similarity

if TYPE_CHECKING:
    import trimesh

REACH = 1 + 1e-6
"""No shape goes farther from the origin, but for rounding: there end the samples, and what cameras see."""
UNITS = Similarity((0.0, 0.0, 0.0), 1.0)


def fixed(config: PrepareConfig) -> Similarity | None:
    """The similarity that all shapes have, or None where each has its own. Raises ValueError where it is that of a
    data set, and nobody has found it yet (`common`)."""
    if config.normalize == "shape":
        return None
    if config.normalize == "none":
        return UNITS
    if config.similarity is None:
        raise ValueError("the similarity of the data set is not known")
    x, y, z, scale = config.similarity
    return Similarity((x, y, z), scale)


def similarity_for(points: np.ndarray, config: PrepareConfig) -> Similarity:
    """The way of a shape into the normalised space; points (n, 3): all of its own, or its corners, finite.

    Raises InputError for a shape without size, and for one that reaches beyond the unit ball where others, or its
    units, say where it lies.
    """
    own, given = normalization(points), fixed(config)
    if given is None:
        return own
    reach = float(np.linalg.norm(given.apply(points), axis=1).max())
    if reach > REACH:
        way = "dataset or shape" if config.normalize == "none" else "shape, or dataset into another folder"
        raise InputError(
            f"outside: it reaches {reach:.4g} from the origin, and samples lie in the unit ball: take --normalize "
            f"{way}."
        )
    return given


def moved(rows: np.ndarray, similarity: Similarity, config: PrepareConfig) -> tuple[np.ndarray, Similarity]:
    """Signed samples (n, 4) of a shape that a similarity has normalised, and that similarity, as `config` has them."""
    given = fixed(config)
    if given is None or given == similarity:
        return rows, similarity
    points, distance = given.apply(similarity.invert(rows[:, :3])), rows[:, 3] * (given.scale / similarity.scale)
    return np.column_stack([points, distance]).astype(rows.dtype), given


def corners_of(mesh: trimesh.Trimesh) -> np.ndarray:
    """The vertices (n, 3) that faces have."""
    return np.asarray(mesh.vertices)[np.unique(mesh.faces)]


def common(entries: Sequence[Entry], workers: int, timeout: float | None) -> Similarity:
    """One similarity for many shapes: the centre of their common box to the origin, the farthest of their points to
    1/1.03. What cannot be read, crashes its process or takes too long is left out.

    Files are read once for the box, and those again that may have the farthest point. Raises InputError where no shape
    can be read, or all of them together have no size.
    """
    with tempfile.TemporaryDirectory() as folder:

        def ask(some: Sequence[Entry], middle: np.ndarray | None) -> list[np.ndarray | None]:
            jobs = joblib.Parallel(n_jobs=workers, backend="threading")
            told: list[np.ndarray | None] = jobs(
                joblib.delayed(_extremes)(entry.path, middle, Path(folder) / f"{k}.npy", timeout)
                for k, entry in enumerate(some)
            )
            return told

        first = [(e, own) for e, own in zip(entries, ask(entries, None), strict=True) if own is not None]
        if not first:
            raise InputError("no shape can be read, and they have no common size: --normalize shape says why, of each.")
        points = np.concatenate([own for _, own in first])
        middle = points.min(0) / 2 + points.max(0) / 2
        least = np.linalg.norm(points - middle, axis=1).max()
        # A box's corner is at least as far away as any point in it.
        far = [e for e, own in first if np.linalg.norm(np.abs(own - middle).max(0)) > least]
        return normalization(np.concatenate([points, *(own for own in ask(far, middle) if own is not None)]))


def _extremes(path: Path, middle: np.ndarray | None, to: Path, timeout: float | None) -> np.ndarray | None:
    """The points (k, 3) of a file that bound its box, or the one that is farthest from the middle (3,); None where
    nobody can say."""
    if alone(_write_extremes, (path, middle, to), timeout) != 0 or not to.is_file():
        return None
    points: np.ndarray = np.load(to, allow_pickle=False)
    to.unlink()
    return points


def _write_extremes(path: Path, middle: np.ndarray | None, to: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape = io.read(path)
            if isinstance(shape, Cloud):
                points = check_cloud(shape, str(path)).points
            else:
                points = corners_of(check_faces(shape, str(path)))
    except InputError:
        return
    if middle is None:
        chosen = np.concatenate([points.argmin(0), points.argmax(0)])
    else:
        chosen = np.linalg.norm(points - middle, axis=1).argmax()[None]
    np.save(to, points[chosen])
