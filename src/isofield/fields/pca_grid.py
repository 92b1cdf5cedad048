"""A linear space of fields: a mean and principal components on a dense grid over the cube from -1 to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from isofield.types import CORNERS


@final
class PcaGrid(nn.Module):
    """f(x; z): the trilinear interpolation, in a grid of `cells` cells a side, of mean + sum_l z_l rows_l.

    In a space of shapes and their mirror images every component is even or odd along the mirrored axes, and only the
    half of its nodes at 0 and above is stored: k of them, the last axis the fastest.

    mean: (k,), even along all mirrored axes. rows: (l, k) int8, times steps (l,): one byte a value. odd: (l, 3) int8, 1
    where a component is odd. mirrored: the axes; `cells` is even where there are any.
    """

    mean: Tensor
    rows: Tensor
    steps: Tensor
    odd: Tensor

    def __init__(
        self, cells: int, mirrored: Sequence[int], mean: Tensor, rows: Tensor, steps: Tensor, odd: Tensor
    ) -> None:
        super().__init__()
        self.cells, self.mirrored = cells, tuple(mirrored)
        self.counts = tuple(cells // 2 + 1 if axis in self.mirrored else cells + 1 for axis in range(3))
        if mean.shape != (np.prod(self.counts),) or rows.shape != (len(odd), len(mean)) or len(steps) != len(odd):
            raise ValueError(f"mean {tuple(mean.shape)} and rows {tuple(rows.shape)} do not fit {self.counts} nodes")
        self.register_buffer("mean", mean)
        self.register_buffer("rows", rows)
        self.register_buffer("steps", steps)
        self.register_buffer("odd", odd)
        self._table: Tensor | None = None

    @property
    def length(self) -> int:
        """Length of a code."""
        return len(self.rows)

    def config(self) -> dict[str, Any]:
        """What `build` needs beside the tensors."""
        return {"cells": self.cells, "mirrored": list(self.mirrored)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> PcaGrid:
        """The space of `config()` and its tensors; see `fields.serialization.Storable`."""
        parts = [torch.as_tensor(state[name]) for name in ("mean", "rows", "steps", "odd")]
        return cls(config["cells"], config["mirrored"], *parts)

    def volume(self, z: Tensor) -> Tensor:
        """Codes (b, l) to the values (b, (cells + 1)^3) at all nodes of the grid, the last axis the fastest."""
        code, shape = z * self.steps, (len(z), *self.counts)
        kinds = [tuple(kind) for kind in self.odd.unique(dim=0).tolist()]
        parts: dict[tuple[int, ...], Tensor] = {(0, 0, 0): self.mean.expand(shape[0], -1).reshape(shape)}
        for kind in kinds:
            chosen = (self.odd == torch.tensor(kind, device=z.device)).all(1)
            part = (code[:, chosen] @ self.rows[chosen].to(z)).view(shape)
            parts[kind] = parts[kind] + part if kind in parts else part
        for axis in self.mirrored:  # even and odd parts along an axis become both of its halves
            halves: dict[tuple[int, ...], Tensor] = {}
            for kind, part in parts.items():
                sign = -1.0 if kind[axis] else 1.0
                below = sign * part.narrow(axis + 1, 1, self.cells // 2).flip(axis + 1)
                both = torch.cat([below, part], axis + 1)
                rest = (*kind[:axis], 0, *kind[axis + 1 :])
                halves[rest] = halves[rest] + both if rest in halves else both
            parts = halves
        return parts[(0, 0, 0)].flatten(1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Distances (b, n) at x (b, n, 3) of the shapes with codes z (b, l), differentiable in both."""
        index, weight = _corners((x.clamp(-1, 1) + 1) * (self.cells / 2), (self.cells + 1,) * 3)  # (b, n, 8)
        return (self.volume(z).gather(1, index.flatten(1)).view(index.shape) * weight).sum(-1)

    def features(self, x: Tensor) -> Tensor:
        """(n, 1 + l): the mean and every component at x (n, 3): f(x; z) is their product with (1, z)."""
        if self._table is None or self._table.device != x.device:
            rows = self.rows.to(torch.float32) * self.steps[:, None]
            self._table = torch.cat([self.mean[None], rows]).T.contiguous()  # (k, 1 + l)
        u = (x.clamp(-1, 1) + 1) * (self.cells / 2)  # (n, 3) in cells
        folded = [axis in self.mirrored for axis in range(3)]
        halved = torch.where(torch.tensor(folded, device=x.device), (u - self.cells / 2).abs(), u)
        index, weight = _corners(halved, self.counts)
        found = nn.functional.embedding_bag(index, self._table, mode="sum", per_sample_weights=weight)
        for axis in self.mirrored:
            flipped = 1 - 2 * self.odd[:, axis].to(found)  # -1 for components that are odd
            found[:, 1:] *= torch.where((x[:, axis] < 0)[:, None], flipped, torch.ones_like(flipped))
        return found


def _corners(u: Tensor, counts: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Nodes (..., 8) around places u (..., 3), in cells, and their trilinear weights (..., 8)."""
    low = torch.minimum(u.detach().floor(), torch.tensor(counts, device=u.device) - 2.0)
    t = (u - low)[..., None, :]  # (..., 1, 3)
    corner = torch.as_tensor(CORNERS, device=u.device)  # (8, 3)
    weight = torch.where(corner == 1, t, 1 - t).prod(-1)
    node = low.long()[..., None, :] + corner
    return (node[..., 0] * counts[1] + node[..., 1]) * counts[2] + node[..., 2], weight


def quantized(cells: int, mirrored: Sequence[int], mean: np.ndarray, rows: np.ndarray, odd: np.ndarray) -> PcaGrid:
    """A space of a mean (k,), rows (l, k), each rounded to 255 steps of its largest entry, and which are odd (l, 3)."""
    steps = np.maximum(np.abs(rows).max(1), 1e-12) / 127
    return PcaGrid(
        cells,
        mirrored,
        torch.from_numpy(mean.astype(np.float32)),
        torch.from_numpy(np.rint(rows / steps[:, None]).astype(np.int8)),
        torch.from_numpy(steps.astype(np.float32)),
        torch.from_numpy(odd.astype(np.int8)),
    )
