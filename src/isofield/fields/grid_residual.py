"""A network that adds detail to a grid, held on a leash by it."""

from __future__ import annotations

from torch import Tensor, nn

from isofield.fields.grid import SparseGrid


class GridResidual(nn.Module):
    """The grid's distance g, and near the surface the network's, never more than one finest cell h away from it.

    f = g + w clip(n - g, -h, h), where w is 1 up to |g| = 2 h and falls to 0 at 4 h. So the grid decides the topology
    and what is far; the network is evaluated in the band only.
    """

    def __init__(self, grid: SparseGrid, network: nn.Module) -> None:
        super().__init__()
        self.grid = grid
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3)."""
        coarse, h = self.grid(x), self.grid.cell
        near = (coarse.detach().abs() < 4 * h).nonzero()[:, 0]
        if len(near) == 0:
            return coarse
        g = coarse[near]
        weight = (2 - g.abs() / (2 * h)).clamp(0, 1)
        return coarse.index_add(0, near, weight * (self.network(x[near]) - g).clamp(-h, h))
