"""A signed distance on a sparse grid of several levels, for torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from isofield.fields.array_grid import ArrayGrid, array_grid


@final
class SparseGrid(nn.Module):
    """The field of an `ArrayGrid`, with derivatives, on any device; origin, side, shape, cells, values and corners are
    that grid's. Raises ValueError where cells and values do not match."""

    kind: ClassVar[str] = "grid"
    cube_only: ClassVar[bool] = False
    origin: Tensor

    def __init__(
        self,
        origin: Sequence[float] | np.ndarray,
        side: float,
        shape: Sequence[int] | np.ndarray,
        cells: Sequence[np.ndarray],
        values: Sequence[np.ndarray],
        corners: Sequence[np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        held = array_grid(origin, side, shape, cells, values, corners)
        self.side, self.shape, self.levels = held.side, held.shape, held.levels
        self.register_buffer("origin", torch.as_tensor(held.origin))
        for level in range(held.levels):
            self.register_buffer(f"cells_{level}", torch.as_tensor(held.cells[level]))
            self.register_buffer(f"corners_{level}", torch.as_tensor(held.corners[level]), persistent=False)
            self.register_parameter(f"values_{level}", nn.Parameter(torch.as_tensor(held.values[level])))

    @classmethod
    def of(cls, grid: ArrayGrid) -> SparseGrid:
        """The same field for torch; it shares the arrays' memory."""
        return cls(grid.origin, grid.side, grid.shape, grid.cells, grid.values, grid.corners)

    def config(self) -> dict[str, Any]:
        """Side, shape and the number of levels; cells and values are tensors."""
        return self.arrays().config()

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> SparseGrid:
        """The grid of `config()` and its tensors; see `fields.serialization.Storable`."""
        return cls.of(ArrayGrid.stored(config, {name: value.numpy() for name, value in state.items()}))

    @property
    def cell(self) -> float:
        """Side of the finest cells."""
        return self.side / 2 ** (self.levels - 1)

    def arrays(self) -> ArrayGrid:
        """The same field without torch; it shares the memory of tensors on the CPU."""
        cells, corners, values = (
            [getattr(self, f"{name}_{level}").detach().cpu().numpy() for level in range(self.levels)]
            for name in ("cells", "corners", "values")
        )
        return ArrayGrid(self.origin.cpu().numpy(), self.side, self.shape, cells, values, corners)

    def forward(self, x: Tensor) -> Tensor:
        """Signed distances (n,) at x (n, 3), differentiable in x and in the values."""
        counts = torch.tensor(self.shape, device=x.device)
        u = (x - self.origin) / self.side  # (n, 3) in coarse cells
        inside = torch.minimum(u.clamp(min=0), counts.to(u))
        beyond = (u - inside).square().sum(1)
        result, slope = x.new_zeros(len(x)), x.new_zeros(len(x), 3)
        outside = beyond > 0
        todo = torch.arange(len(x), device=x.device)
        for level in reversed(range(self.levels)):
            if len(todo) == 0:
                break
            keys, corners = getattr(self, f"cells_{level}"), getattr(self, f"corners_{level}")
            scale = 2**level
            fine = inside[todo] * scale
            index = torch.minimum(fine.detach().floor().long().clamp_(min=0), counts * scale - 1)
            key = (index[:, 0] * (self.shape[1] * scale) + index[:, 1]) * (self.shape[2] * scale) + index[:, 2]
            row = torch.searchsorted(keys, key).clamp_(max=len(keys) - 1)
            hit = keys[row] == key
            at, t = todo[hit], (fine - index)[hit]
            nodal = getattr(self, f"values_{level}")[corners[row[hit]].long()]  # (m, 8)
            result = result.index_put((at,), trilinear(nodal.T.view(2, 2, 2, -1), t).to(result))
            far = outside[at]
            if bool(far.any()):
                slope = slope.index_put((at[far],), _slope(nodal[far], t[far]).to(result))
            todo = todo[~hit]
        if not bool(outside.any()):
            return result
        away, value = (u - inside)[outside] * self.side, result[outside]  # (m, 3), (m,)
        foot = value[:, None] * nn.functional.normalize(slope[outside], dim=1)
        return result.index_put((outside,), torch.where(value < 0, value + away.norm(dim=1), (away + foot).norm(dim=1)))


def trilinear(corners: Tensor, t: Tensor) -> Tensor:
    """Trilinear interpolation (n, ...) of values (2, 2, 2, n, ...) at the corners of n cells, at t (n, 3) in [0, 1]."""
    for axis in range(3):
        corners = corners[0] + (corners[1] - corners[0]) * t[:, axis].view(-1, *[1] * (corners.dim() - 4 + axis))
    return corners


def _slope(nodal: Tensor, t: Tensor) -> Tensor:
    """Gradient (m, 3), per cell, of the interpolation of corner values (m, 8) at t (m, 3) in [0, 1]."""
    values = nodal.view(-1, 2, 2, 2)
    x, y, z = (torch.stack([1 - t[:, axis], t[:, axis]], 1) for axis in range(3))  # (m, 2) each
    return torch.stack(
        [
            torch.einsum("mjk,mj,mk->m", values[:, 1] - values[:, 0], y, z),
            torch.einsum("mik,mi,mk->m", values[:, :, 1] - values[:, :, 0], x, z),
            torch.einsum("mij,mi,mj->m", values[..., 1] - values[..., 0], x, y),
        ],
        1,
    )
