"""A signed distance on a sparse grid of several levels: fine near the surface, coarse elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from isofield.topology import distinct_keys, holds
from isofield.types import CORNERS


@final
class SparseGrid(nn.Module):
    """Trilinear interpolation in the finest cell that contains a point.

    Outside the grid, the value is the distance to the surface that the value and the gradient at the closest point of
    the grid's box predict. Level l has cells of side `side / 2**l`; level 0 is dense, a finer level covers whole cells
    of the level above. The field is continuous where the values at the border of a level interpolate the level above.

    origin: (3,) lower corner. side: of a coarse cell. shape: number of coarse cells along each axis. cells: for each
    level the sorted keys (m_l,) int64 of its cells, key = (i * ny + j) * nz + k with that level's own counts. values:
    for each level the values at its nodes, in the order of the nodes' keys. Raises ValueError where cells and values do
    not match.
    """

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
        self.side = float(side)
        self.shape = tuple(int(n) for n in shape)
        self.levels = len(cells)
        self.register_buffer("origin", torch.tensor(np.asarray(origin), dtype=torch.float32))
        for level, (keys, nodal) in enumerate(zip(cells, values, strict=True)):
            rows = cell_corners(np.asarray(keys), self.shape, level)[1] if corners is None else corners[level]
            if len(nodal) != (count := int(rows.max(initial=-1)) + 1):
                raise ValueError(f"level {level} of the grid has {count} nodes, but {len(nodal)} values")
            self.register_buffer(f"cells_{level}", torch.as_tensor(np.asarray(keys, np.int64)))
            self.register_buffer(f"corners_{level}", torch.as_tensor(rows), persistent=False)
            self.register_parameter(f"values_{level}", nn.Parameter(torch.as_tensor(np.asarray(nodal, np.float32))))

    def config(self) -> dict[str, Any]:
        """Side, shape and the number of levels; cells and values are tensors."""
        return {"side": self.side, "shape": list(self.shape), "levels": self.levels}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> SparseGrid:
        """The grid of `config()` and its tensors; see `fields.serialization.Storable`."""
        levels = range(int(config["levels"]))
        cells, values = ([state[f"{name}_{level}"].numpy() for level in levels] for name in ("cells", "values"))
        return cls(state["origin"].tolist(), config["side"], config["shape"], cells, values)

    @property
    def cell(self) -> float:
        """Side of the finest cells."""
        return self.side / 2 ** (self.levels - 1)

    def resolved(self, most: int, share: float = 0.0) -> int:
        """The finest level at whose cells the zero set crosses at most about `most` cells, and that resolves at least
        this share of its area; level 0 at least.

        The zero set is counted by the cells without finer ones that it crosses.
        """
        counts = []
        for level in range(self.levels):
            values = getattr(self, f"values_{level}").detach()[getattr(self, f"corners_{level}").long()]
            crossed = (values < 0).any(1) & (values >= 0).any(1)
            keys = getattr(self, f"cells_{level}")[crossed].cpu().numpy()
            if level + 1 < self.levels:
                index = np.unravel_index(keys, np.array(self.shape) * 2**level)
                child = np.ravel_multi_index(
                    tuple(2 * i for i in index), tuple(2 ** (level + 1) * np.array(self.shape))
                )
                below = getattr(self, f"cells_{level + 1}").cpu().numpy()
                keys = keys[~holds(below, child)]
            counts.append(len(keys))
        total = [sum(n * 4.0 ** (level - at) for at, n in enumerate(counts)) for level in range(self.levels)]
        area = np.array([n * 4.0**-level for level, n in enumerate(counts)])
        fine = np.cumsum(area[::-1])[::-1] / max(area.sum(), 1e-300)
        return max(
            level for level in range(self.levels) if level == 0 or (total[level] <= most and fine[level] >= share)
        )

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


def cell_corners(keys: np.ndarray, shape: Sequence[int] | np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes of cells with sorted `keys` (m,): their sorted keys (n,) int64, and the rows (m, 8) int32 of each
    cell's corners.

    A node's key is (i * (ny + 1) + j) * (nz + 1) + k, where ny and nz count the cells of the level.
    """
    counts = np.asarray(shape, np.int64) * 2**level
    i, j, k = np.unravel_index(keys, counts)
    first = (i * (counts[1] + 1) + j) * (counts[2] + 1) + k  # of each cell's corner 0, sorted
    steps = CORNERS @ np.array([(counts[1] + 1) * (counts[2] + 1), counts[2] + 1, 1])
    # Cells that follow one another along z share nodes, which follow one another, too: only the first is searched for.
    start = np.flatnonzero(np.diff(first, prepend=-2) != 1)
    length = np.diff(np.append(start, len(first)))
    along = np.arange(len(first), dtype=np.int32) - np.repeat(start.astype(np.int32), length)
    last = first[start + length - 1] + 1
    nodes = distinct_keys(np.concatenate([keys + step for step in steps[::2] for keys in (first, last)]))
    rows = np.empty((len(first), len(CORNERS)), np.int32)
    for corner in range(0, len(CORNERS), 2):
        row = np.repeat(np.searchsorted(nodes, first[start] + steps[corner]).astype(np.int32), length) + along
        rows[:, corner], rows[:, corner + 1] = row, row + 1
    return nodes, rows
