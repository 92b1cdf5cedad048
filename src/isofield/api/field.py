"""What operations on fields need of a field; `api.modules` evaluates modules."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from isofield.errors import InputError
from isofield.fields.array_field import ArrayField
from isofield.types import Similarity

if TYPE_CHECKING:
    from torch import nn

UNSIGNED = "unsigned network"
"""The kind of a `fields.unsigned.Unsigned`."""


class Field(Protocol):
    """A frozen dataclass that evaluates a module in the user's units; its attributes are those of `isofield.SDF`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def field(self) -> nn.Module | ArrayField:
        """The field on normalised points: arrays, or a module."""

    @property
    def module(self) -> nn.Module:
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
