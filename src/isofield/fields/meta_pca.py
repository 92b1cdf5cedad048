"""Principal components on a coarse grid, and a small network of given weights that corrects them."""

from __future__ import annotations

from typing import Any, final

from torch import Tensor, nn

from isofield.fields.meta_network import MetaNetwork
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.pca_mlp import SHARE, padded, surroundings


@final
class MetaPca(nn.Module):
    """f(x; [z, theta]) = V(x; z) + 0.1 g(V around x, x; theta), distances (b, n) at x (b, n, 3).

    V is the volume of the linear space with code z, g the network with weights theta; `fields.pca_mlp` says what it
    sees. coarse: the linear space, which stays as it is. meta: the weights that theta starts from, and the step sizes.
    """

    def __init__(self, coarse: PcaGrid, meta: MetaNetwork) -> None:
        super().__init__()
        self.coarse, self.meta = coarse, meta

    def config(self) -> dict[str, Any]:
        """Both parts."""
        return {"coarse": self.coarse, "meta": self.meta}

    def seen(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """V (b, n), and what the network sees (b, n, k), at x (b, n, 3) in the volumes of codes z (b, l)."""
        return surroundings(self.coarse.cells, padded(self.coarse, z), x)

    def corrected(self, value: Tensor, seen: Tensor, theta: Tensor) -> Tensor:
        """Distances (b, n): V (b, n) plus the correction by the network with weights theta (b, p)."""
        correction: Tensor = self.meta.network(seen, theta)
        return value + SHARE * correction[..., 0]

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Distances (b, n) at x (b, n, 3); code: z and theta (b, l + p)."""
        length = self.coarse.length
        return self.corrected(*self.seen(x, code[:, :length]), code[:, length:])
