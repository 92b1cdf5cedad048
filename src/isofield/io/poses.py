"""Rigid motions and files of poses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from isofield.errors import InputError
from isofield.files import printable

RIGID = 1e-3
"""A matrix is not a rotation if its axes deviate from orthonormal by more than this."""


def is_rigid(matrix: np.ndarray) -> bool:
    """Whether (4, 4) is a rotation and a translation, without reflection, scale or shear."""
    rotation, last = matrix[:3, :3], matrix[3]
    return bool(
        np.isfinite(matrix).all()
        and np.abs(rotation @ rotation.T - np.eye(3)).max() < RIGID
        and np.linalg.det(rotation) > 0
        and np.array_equal(last, [0, 0, 0, 1])
    )


def read_json(path: str | os.PathLike[str], what: str) -> Any:
    """The content of a JSON file of `what`. Raises `InputError` if it is missing or not JSON."""
    path, name = Path(path), printable(path)
    if not path.is_file():
        raise InputError(f"there is no file {name} of {what}: check the spelling.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read as JSON ({error}): give a file of {what}.") from None


def read_poses(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """A JSON file {"name": 4x4 matrix}: names to (4, 4) rigid motions from each scan's axes to the common ones.

    Raises `InputError` for any other file, and for a matrix that is not a rigid motion.
    """
    name, table = printable(path), read_json(path, "poses")
    if not isinstance(table, dict) or not table:
        raise InputError(f'{name} holds no poses: give a JSON object {{"scan": 4x4 matrix, ...}}.')
    if "K" in table:
        raise InputError(f"{name} is a file of cameras (it has K): give it as --camera, with the depth images.")
    poses = {}
    for scan, rows in table.items():
        try:
            matrix = np.array(rows, np.float64)
        except (TypeError, ValueError):
            matrix = np.zeros(0)
        if matrix.shape != (4, 4) or not is_rigid(matrix):
            raise InputError(
                f"{name}: the pose of '{scan}' is not a rigid motion: give a (4, 4) matrix of a rotation and a "
                "translation, without scale or reflection."
            )
        poses[scan] = matrix
    return poses
