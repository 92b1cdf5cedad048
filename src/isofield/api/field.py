"""The box of a field, and the points and the device that it is evaluated with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from isofield.errors import InputError

if TYPE_CHECKING:
    from isofield.api.sdf import SDF

UNSIGNED = "unsigned network"
"""The kind of a `fields.unsigned.Unsigned`."""


def box(field: SDF) -> tuple[np.ndarray, np.ndarray]:
    """The corners (3,), (3,) of the box around the surface, in the user's units."""
    return field.similarity.invert(np.asarray(field.lower)), field.similarity.invert(np.asarray(field.upper))


def checked(points: Any) -> Any:
    """Points (n, 3), an array or a tensor. Raises InputError for another shape."""
    torch = sys.modules.get("torch")  # where nobody has loaded it, there are no tensors
    if torch is None or not isinstance(points, torch.Tensor):
        points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(
            f"points have shape {tuple(points.shape)}, not (n, 3): give one row of x, y, z for each point."
        )
    return points


def chosen_device(device: str) -> str:
    """cpu or cuda; auto is cuda where there is one. Raises InputError for another name, and for a missing device."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {device!r} is unknown: take auto, cpu or cuda.")
    if device == "cpu":
        return device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("torch finds no CUDA device here: take --device cpu.")
    return "cpu"
