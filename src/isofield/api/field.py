"""What operations on fields need of a field, and the evaluation of its module on any device."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from isofield.errors import InputError
from isofield.fields.extrapolation import value
from isofield.fields.triangles import Triangles
from isofield.threads import parallel_map, ranges, single_threaded
from isofield.types import Similarity

BATCH = 4096
"""Points that one thread evaluates at a time."""
CPU = torch.device("cpu")
Copies = dict[torch.device, nn.Module]
"""Copies of a module on other devices than its own."""


class Field(Protocol):
    """A frozen dataclass that evaluates a module in the user's units; its attributes are those of `isofield.SDF`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def field(self) -> nn.Module:
        """The module on normalised points."""

    @property
    def similarity(self) -> Similarity:
        """From the user's space to the normalised one."""

    @property
    def lower(self) -> tuple[float, float, float]:
        """Lower corner of the normalised box."""

    @property
    def upper(self) -> tuple[float, float, float]:
        """Upper corner of the normalised box."""

    @property
    def points(self) -> np.ndarray:
        """Observed points (m, 3)."""

    @property
    def spacing(self) -> float:
        """Median distance of neighbouring points."""

    @property
    def open(self) -> bool:
        """Whether the surface ends where the points end."""

    @property
    def reach(self) -> float:
        """How far from the points the surface is trusted, in local spacings."""

    @property
    def local_spacing(self) -> np.ndarray:
        """Spacing (m,) around each of the points."""

    @property
    def provenance(self) -> dict[str, Any]:
        """How the field was made."""

    @property
    def interrupted(self) -> bool:
        """Whether the fit was stopped early."""

    @property
    def colors(self) -> np.ndarray | None:
        """Colours (m, 4) of the points."""

    @property
    def attributes(self) -> Mapping[str, np.ndarray]:
        """Other numbers (m,) at the points."""

    @property
    def kind(self) -> str:
        """What kind of field it is."""

    def __call__(self, points: Any) -> Any:
        """Signed distances (n,) at points (n, 3)."""

    def gradient(self, points: Any) -> Any:
        """Gradients (n, 3) at points (n, 3)."""


def box(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """The corners (3,), (3,) of the box around the surface, in the user's units."""
    return field.similarity.invert(np.asarray(field.lower)), field.similarity.invert(np.asarray(field.upper))


def on_device(module: nn.Module, device: torch.device, copies: Copies) -> nn.Module:
    """The module itself where its tensors are on `device`, else its copy there, which is made once.

    Raises InputError for a module of another device whose weights require a gradient: a copy would not get it.
    """
    held = list(chain(module.parameters(), module.buffers()))
    if all(tensor.device == device for tensor in held):
        return module
    if any(tensor.requires_grad for tensor in held):
        raise InputError(
            f"the points are on {device}, the field is on {held[0].device} and requires gradients: move the points to "
            "the field's device, or freeze the field (requires_grad_(False))."
        )
    if device not in copies:
        copies.setdefault(device, copy.deepcopy(module).to(device))
    return copies[device]


def distances(module: nn.Module, points: np.ndarray) -> np.ndarray:
    """Distances (n,) float64 at normalised points (n, 3) of a module on the CPU, on several threads."""
    if isinstance(module, Triangles):
        return module.closest(points)[0]

    def values(chunk: slice) -> np.ndarray:
        with torch.no_grad():
            return value(module, torch.as_tensor(points[chunk], dtype=torch.float32)).double().numpy()

    with single_threaded():
        return np.concatenate([np.zeros(0), *parallel_map(values, ranges(len(points), BATCH))])


def gradients(module: nn.Module, points: np.ndarray) -> np.ndarray:
    """Gradients (n, 3) float64 at normalised points (n, 3) of a module on the CPU, on several threads."""
    if isinstance(module, Triangles):
        return module.value_and_slope(points)[1]

    def slopes(chunk: slice) -> np.ndarray:
        with torch.enable_grad():
            x = torch.tensor(points[chunk], dtype=torch.float32, requires_grad=True)
            return torch.autograd.grad(value(module, x).sum(), x)[0].double().numpy()

    with single_threaded():
        return np.concatenate([np.zeros((0, 3)), *parallel_map(slopes, ranges(len(points), BATCH))])


def checked(points: Any) -> Any:
    """Points (n, 3), an array or a tensor. Raises InputError for another shape."""
    points = points if isinstance(points, Tensor) else np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(
            f"points have shape {tuple(points.shape)}, not (n, 3): give one row of x, y, z for each point."
        )
    return points


def chosen_device(device: str) -> str:
    """cpu or cuda; auto is cuda where there is one. Raises InputError for another name, and for a missing device."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {device!r} is unknown: take auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("torch finds no CUDA device here: take --device cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
