"""Fields made of fields: moved, grown, hollowed, and combined by the set operations of their insides.

Minimum and maximum of signed distances are exact on the surface and bounds elsewhere: beyond the corners of an
intersection they are less than the distance (Quílez 2008, "Modeling with distance functions").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from isofield.fields.extrapolation import value

Operation = Literal["union", "intersection", "difference"]


@final
class Transformed(nn.Module):
    """`part` in another space: f(x) = part(M x + shift) / scale, where M (3, 3) is `scale` times a rotation."""

    matrix: Tensor
    shift: Tensor

    def __init__(self, part: nn.Module, matrix: Sequence[Sequence[float]] | Tensor, shift: Sequence[float] | Tensor):
        super().__init__()
        self.part = part
        self.register_buffer("matrix", torch.as_tensor(matrix, dtype=torch.float32))
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        scale = torch.linalg.det(self.matrix.double()).pow(1 / 3).to(x)
        return value(self.part, x @ self.matrix.T + self.shift) / scale


@final
class Csg(nn.Module):
    """The union, the intersection, or the first less the others, of the insides of fields in one space."""

    def __init__(self, operation: Operation, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        if operation not in ("union", "intersection", "difference"):
            raise ValueError(f"unknown operation {operation!r}")
        self.operation, self.parts = operation, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        first, *others = (value(part, x) for part in self.parts)
        for other in others:
            if self.operation == "union":
                first = torch.minimum(first, other)
            else:
                first = torch.maximum(first, other if self.operation == "intersection" else -other)
        return first


@final
class Offset(nn.Module):
    """Around the surface of `part`: what is nearer than `outer` and farther than `inner` (signed; -inf: the inside).

    An offset has no inner side; a shell of thickness t lies between -t / 2 and t / 2.
    """

    def __init__(self, part: nn.Module, outer: float, inner: float | None = None) -> None:
        super().__init__()
        self.part, self.outer, self.inner = part, outer, inner

    def config(self) -> dict[str, Any]:
        """The two distances."""
        return {"outer": self.outer, "inner": self.inner}

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        distance = value(self.part, x)
        grown = distance - self.outer
        return grown if self.inner is None else torch.maximum(grown, self.inner - distance)
