"""The similarity from the units of shapes to the normalised space: one per shape, one per data set, or none."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from isofield.configs import PrepareConfig
from isofield.datasets.layout import Entry
from isofield.errors import InputError
from isofield.isolation import Failure, Run
from isofield.types import IDENTITY, Similarity, normalization

if TYPE_CHECKING:
    import trimesh

REACH = 1 + 1e-6
"""Largest distance of a shape from the origin, but for rounding: samples and views end there."""
DISTANCES = ("signed", "levelset", "unsigned")
"""Kinds of samples whose fourth column is a distance."""
PICTURED = ("views", "cameras")
"""Kinds of samples without points."""
Extent = Callable[[str], np.ndarray]
"""A file's path to the points (n, 3) of its shape."""
AROUND = {"unsigned", "cloud", "surface"}
"""Kinds of samples that lie around the shape; the others fill the unit ball."""
STRAY = 0.01
"""Largest fraction of a shape's points beyond the cube [-1, 1]^3, where all of its samples are of these kinds."""


def fixed(config: PrepareConfig) -> Similarity | None:
    """The similarity of all shapes, or None where each has its own. Raises ValueError where the one of the data set has
    not been computed (`common_similarity`)."""
    if config.normalize == "shape":
        return None
    if config.normalize == "none":
        return IDENTITY
    if config.similarity is None:
        raise ValueError("the similarity of the data set has not been computed")
    x, y, z, scale = config.similarity
    return Similarity((x, y, z), scale)


def similarity_for(points: np.ndarray, config: PrepareConfig) -> Similarity:
    """The similarity of one shape with these finite points or corners (n, 3).

    Raises InputError for a shape without extent, and for one that exceeds, under the similarity of its data set or in
    its own units, the unit ball, which samples fill; the cube around it for samples that lie around the shape alone:
    fields of spaces end there.
    """
    own, common = normalization(points), fixed(config)
    if common is None:
        return own
    placed = common.apply(points)
    reach = float(np.linalg.norm(placed, axis=1).max())
    if AROUND.issuperset(config.samples):
        beyond = float((np.abs(placed) > REACH).any(1).mean()) > STRAY
    else:
        beyond = reach > REACH
    if beyond:
        remedy = "dataset or shape" if config.normalize == "none" else "shape, or dataset into another folder"
        raise InputError(
            f"outside: it reaches {reach:.4g} from the origin, beyond the unit ball of the samples: use --normalize "
            f"{remedy}."
        )
    return common


def moved(
    rows: np.ndarray, similarity: Similarity, config: PrepareConfig, kind: str = "signed"
) -> tuple[np.ndarray, Similarity]:
    """Samples (n, k) of a kind, normalised by a similarity, moved to the one that `config` asks for; and that one."""
    common = fixed(config)
    if common is None or common == similarity:
        return rows, similarity
    if kind in PICTURED:
        return rows, common
    result = np.array(rows, np.float64)
    for first in (0, 3) if kind == "cloud" else (0,):
        result[:, first : first + 3] = common.apply(similarity.invert(rows[:, first : first + 3]))
    if kind in DISTANCES:
        result[:, 3] *= common.scale / similarity.scale
    return result.astype(rows.dtype), common


def corners_of(mesh: trimesh.Trimesh) -> np.ndarray:
    """The vertices (n, 3) that the faces of a mesh use."""
    return np.asarray(mesh.vertices)[np.unique(mesh.faces)]


def common_similarity(entries: Sequence[Entry], run: Run, extent: Extent) -> tuple[Similarity, dict[str, str]]:
    """One similarity for many shapes: the centre of their common box to the origin, their farthest point to 1/1.03; and
    the ids of the shapes that were left out, because they cannot be read, crashed or took too long, with the reasons.

    extent: a file's path to the points of its shape. Files are read once for the box, and those again that may have the
    farthest point. Raises InputError where no shape can be read, or all of them together have no extent.
    """
    extremes: dict[str, np.ndarray] = {}
    failed: dict[str, str] = {}

    def read(some: Iterable[Entry], middle: np.ndarray | None) -> None:
        for (entry, *_), result in run(_extremes, [(entry, middle, extent) for entry in some]):
            if isinstance(result, np.ndarray):
                extremes[entry.id] = np.concatenate([extremes.get(entry.id, result), result])
            else:
                failed[entry.id] = result.reason

    read(entries, None)
    if not extremes:
        raise InputError("no shape can be read, so there is no common frame: see the reasons with --normalize shape.")
    points = np.concatenate([*extremes.values()])
    middle = points.min(0) / 2 + points.max(0) / 2
    least = np.linalg.norm(points - middle, axis=1).max()
    # The corner of a shape's box is at least as far away as any of its points.
    read([e for e in entries if np.linalg.norm(np.abs(extremes.get(e.id, middle) - middle).max(0)) > least], middle)
    return normalization(np.concatenate([*extremes.values()])), dict(sorted(failed.items()))


def _extremes(task: tuple[Entry, np.ndarray | None, Extent]) -> np.ndarray | Failure:
    """The points (k, 3) of a shape that touch its bounding box; with a middle (3,), the point farthest from it."""
    entry, middle, extent = task
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the quality gate reads the file again, and reports them
            points = extent(str(entry.path))
    except InputError as error:
        return Failure(str(error))
    if middle is None:
        return points[np.concatenate([points.argmin(0), points.argmax(0)])]
    return points[np.linalg.norm(points - middle, axis=1).argmax()[None]]
