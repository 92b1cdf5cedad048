"""The exact signed distance to the triangles of a mesh, for torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from isofield.fields.array_triangles import ArrayTriangles


@final
class Triangles(nn.Module):
    """The field of an `ArrayTriangles`, with derivatives. Distances are computed on the CPU. The second derivative
    counts as zero, as it is beside a flat face."""

    kind: ClassVar[str] = "triangles"
    cube_only: ClassVar[bool] = False

    def __init__(self, held: ArrayTriangles) -> None:
        super().__init__()
        self.held = held
        for name, values in held.named_arrays().items():
            self.register_buffer(name, torch.from_numpy(values))

    @classmethod
    def of(cls, field: ArrayTriangles) -> Triangles:
        """The same field for torch; it shares the arrays' memory."""
        return cls(field)

    def config(self) -> dict[str, Any]:
        """The thickness of sheets; vertices and faces are tensors."""
        return self.held.config()

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Triangles:
        """The field of `config()` and its tensors; see `fields.serialization.Storable`."""
        return cls(ArrayTriangles.stored(config, {name: value.numpy() for name, value in state.items()}))

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3), differentiable in x."""
        at = x.detach().double().cpu().numpy()
        value, slope = (torch.from_numpy(one).to(x) for one in self.held.value_and_slope(at))
        return value + ((x - x.detach()) * slope).sum(1) if x.requires_grad else value
