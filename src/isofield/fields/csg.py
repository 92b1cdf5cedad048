"""Fields made of fields: transformed, offset, hollowed, and combined by constructive solid geometry.

The minimum and maximum of signed distances are exact on the surface and a bound elsewhere: outside the corners of an
intersection they are less than the distance (Quílez 2008, "Modeling with distance functions").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import torch
from torch import Tensor, nn

from isofield.fields.evaluation import value

Operation = Literal["union", "intersection", "difference"]


@final
class Transformed(nn.Module):
    """`part` in another frame: f(x) = part(M x + shift) / scale, where M (3, 3) is `scale` times a rotation."""

    kind: ClassVar[str] = "composite"
    cube_only: ClassVar[bool] = False
    matrix: Tensor
    shift: Tensor

    def __init__(self, part: nn.Module, matrix: Sequence[Sequence[float]] | Tensor, shift: Sequence[float] | Tensor):
        super().__init__()
        self.part = part
        self.register_buffer("matrix", torch.as_tensor(matrix, dtype=torch.float32))
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float32))

    def config(self) -> dict[str, Any]:
        """The transformed field; matrix and shift are tensors."""
        return {"part": self.part}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Transformed:
        """The field of `config()` and its tensors; see `fields.serialization.Storable`."""
        return cls(config["part"], state["matrix"], state["shift"])

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        scale = torch.linalg.det(self.matrix.double()).pow(1 / 3).to(x)
        return value(self.part, x @ self.matrix.T + self.shift) / scale


@final
class Csg(nn.Module):
    """The union or intersection of the insides of `parts`, or the first minus the others; all in one frame.

    Raises ValueError for another operation.
    """

    kind: ClassVar[str] = "composite"
    cube_only: ClassVar[bool] = False

    def __init__(self, operation: Operation, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        if operation not in ("union", "intersection", "difference"):
            raise ValueError(f"unknown operation {operation!r}")
        self.operation, self.parts = operation, nn.ModuleList(parts)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"operation": self.operation, "parts": list(self.parts)}

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
    """The set where `inner` < part(x) < `outer`. Without `inner` it is the offset solid part(x) < `outer`.

    A shell of thickness t has inner = -t / 2 and outer = t / 2.
    """

    kind: ClassVar[str] = "composite"
    cube_only: ClassVar[bool] = False

    def __init__(self, part: nn.Module, outer: float, inner: float | None = None) -> None:
        super().__init__()
        self.part, self.outer, self.inner = part, outer, inner

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"part": self.part, "outer": self.outer, "inner": self.inner}

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        distance = value(self.part, x)
        grown = distance - self.outer
        return grown if self.inner is None else torch.maximum(grown, self.inner - distance)
