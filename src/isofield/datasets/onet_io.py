"""Samples in the files of Occupancy Networks (Mescheder et al. 2019): points.npz and pointcloud.npz.

Both hold the shape with its box's middle at the origin and its longest side 1; `loc` and `scale` lead back.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from isofield.datasets.deepsdf_io import finite, load, placed, save
from isofield.datasets.layouts.occupancy import FILES
from isofield.datasets.manifest import Record
from isofield.errors import InputError
from isofield.types import Similarity

CUBE = 0.55
"""Half the side of the cube in which their points of space lie: a padding of 0.1 in all."""
WHOSE = "Occupancy Networks"


def read_occupancy(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The samples (n, 4) of a points.npz, x y z and 1 inside, else 0, in their cube; how many were dropped because they
    are not finite; and the way from the shape's units into that cube.

    Bits that were packed eight to a byte are unpacked. Raises InputError for a file that is none of theirs.
    """
    path = Path(path)
    points, inside, loc, scale = load(path, ("points", "occupancies", "loc", "scale"), WHOSE)
    if inside.dtype == np.uint8 and inside.ndim == 1 and len(inside) == -(-len(points) // 8):
        inside = np.unpackbits(inside)[: len(points)]
    if points.ndim != 2 or points.shape[1] != 3 or inside.shape != points.shape[:1]:
        raise InputError(
            f"{path} holds no samples of {WHOSE} (points {points.shape}, occupancies {inside.shape}): copy it again."
        )
    rows, lost = finite(np.column_stack([points.astype(np.float64), inside > 0.5]), path)
    return rows, lost, _into_cube(loc, scale, path)


def read_pointcloud(path: str | os.PathLike[str]) -> tuple[np.ndarray, int, Similarity]:
    """The same of a pointcloud.npz: rows (n, 6) are points of the surface and their normals, of unit length; those
    without a direction are dropped."""
    path = Path(path)
    arrays = load(path, ("points", "normals", "loc", "scale"), WHOSE)
    points, normals, loc, scale = (array.astype(np.float64) for array in arrays)
    if points.ndim != 2 or points.shape[1] != 3 or normals.shape != points.shape:
        raise InputError(
            f"{path} holds no samples of {WHOSE} (points {points.shape}, normals {normals.shape}): copy it again."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    rows, lost = finite(np.concatenate([points, normals], axis=1), path)
    return rows, lost, _into_cube(loc, scale, path)


def _into_cube(loc: np.ndarray, scale: np.ndarray, path: Path) -> Similarity:
    """Their p -> (p - loc) / scale."""
    similarity = placed(loc, scale, path)
    return Similarity(similarity.center, 1 / similarity.scale)


def write_occupancy(occupancy: np.ndarray, surface: np.ndarray, record: Record, folder: str | os.PathLike[str]) -> Path:
    """Writes occupancy samples (n, 4) and surface samples (m, 6) of a shape as theirs: class/model/points.npz, its bits
    packed, and pointcloud.npz. The path of the model's folder.

    The box is that of the surface samples. Samples of space are uniform in a larger cube than theirs: those in theirs
    are written. The class is the first folder of the shape's id, or "shapes".
    """
    label, _, name = record.id.partition("/") if "/" in record.id else ("shapes", "", record.id)
    model = Path(folder) / label / name.replace("/", "-")
    low, high = surface[:, :3].min(0).astype(np.float64), surface[:, :3].max(0).astype(np.float64)
    middle, side = (low + high) / 2, (high - low).max()
    place = {"loc": record.center + middle / record.scale, "scale": np.array(side / record.scale)}
    points = ((occupancy[:, :3] - middle) / side).astype(np.float32)
    kept = (np.abs(points) <= CUBE).all(axis=1)
    inside = np.packbits(occupancy[kept, 3] > 0.5)
    save(model / FILES["occupancy"], {"points": points[kept], "occupancies": inside, **place})
    on, normals = ((surface[:, :3] - middle) / side).astype(np.float32), surface[:, 3:].astype(np.float32)
    save(model / FILES["surface"], {"points": on, "normals": normals, **place})
    return model
