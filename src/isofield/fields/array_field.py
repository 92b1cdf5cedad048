"""What a field is that needs no torch, and the fields that are stored as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from isofield.fields.array_grid import ArrayGrid
from isofield.fields.array_triangles import ArrayTriangles


@runtime_checkable
class ArrayField(Protocol):
    """A field on normalised points, as arrays; `stored_as` is the name of the module that is the same field for torch,
    which its classmethod `of` makes."""

    kind: ClassVar[str]
    stored_as: ClassVar[str]

    def distances(self, x: np.ndarray) -> np.ndarray:
        """Signed distances (n,) float64 at x (n, 3)."""

    def config(self) -> dict[str, Any]:
        """JSON-plain settings."""

    def named_arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""

    @classmethod
    def stored(cls, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ArrayField:
        """The field of `config()` and `named_arrays()`."""


ARRAYS: dict[str, type[ArrayField]] = {cls.stored_as: cls for cls in (ArrayGrid, ArrayTriangles)}
"""Fields that are loaded as arrays, by the type in their folder."""
