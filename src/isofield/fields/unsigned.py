"""The unsigned distance |f(x)| of a field that is learned without a sign."""

from __future__ import annotations

from typing import Any, ClassVar, final

from torch import Tensor, nn

from isofield.fields.evaluation import value_and_gradient


@final
class Unsigned(nn.Module):
    """Distances |f(x)|, (n, 3) -> (n,), of a network f: nothing is inside, and a surface may be open, or have one side
    only. Meshes of it follow the field's gradient (`surfaces.extract_unsigned`)."""

    kind: ClassVar[str] = "unsigned network"
    cube_only: ClassVar[bool] = True

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def config(self) -> dict[str, Any]:
        """The constructor's arguments; the network is a part."""
        return {"network": self.network}

    def forward(self, x: Tensor) -> Tensor:
        """Distances (n,) at points (n, 3)."""
        return self.network(x).abs()


@value_and_gradient.register
def _(field: Unsigned, x: Tensor) -> tuple[Tensor, Tensor]:
    value, gradient = value_and_gradient(field.network, x)
    return value.abs(), value.sign()[:, None] * gradient
