"""A network that adds detail to a grid and never leaves the grid's value by more than a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, final

from torch import Tensor, nn

from isofield.fields.grid import SparseGrid


@final
class GridResidual(nn.Module):
    """The grid's distance g, corrected near the surface by the network n, by at most one finest cell h.

    f = g + w clip(n - g, -h, h), where w is 1 up to |g| = 2 h and falls to 0 at 4 h. The grid decides the topology and
    the far field; the network is evaluated near the surface only.
    """

    kind: ClassVar[str] = "refined grid"
    cube_only: ClassVar[bool] = False

    def __init__(self, grid: SparseGrid, network: nn.Module) -> None:
        super().__init__()
        self.grid = grid
        self.network = network

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"grid": self.grid, "network": self.network}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> GridResidual:
        """The field of `config()`; see `fields.serialization.Storable`."""
        if not isinstance(config["grid"], SparseGrid):
            raise ValueError("the grid of a GridResidual is not a SparseGrid")
        return cls(**config)

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        coarse, h = self.grid(x), self.grid.cell
        near = (coarse.detach().abs() < 4 * h).nonzero()[:, 0]
        if len(near) == 0:
            return coarse
        g = coarse[near]
        weight = (2 - g.abs() / (2 * h)).clamp(0, 1)
        return coarse.index_add(0, near, weight * (self.network(x[near]) - g).clamp(-h, h))
