"""Feature grids of several resolutions, decoded by a small network.

Müller et al. 2022, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding", section 3: the features
of all levels are interpolated trilinearly at a point and passed to a small network. A level with more nodes than its
table has entries shares them by a spatial hash (eq. 4 there).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from isofield.fields.grid import trilinear
from isofield.fields.mlp import Mlp

SPACE = 1.1
"""Half side of the cube that the grids cover; a point outside has the features of the closest point of the cube."""
GAIN = 10.0
"""Factor from the tables' entries to features; under Adam, it makes the tables learn faster than the network."""
PRIMES = (1, 2_654_435_761, 805_459_861)
"""Factors of the spatial hash (Teschner et al. 2003)."""


@final
class HashGrid(nn.Module):
    """A scalar field (n, 3) -> (n,), initially about |x| - `radius`.

    width, layers: of the network. cells: of each level's grid along the cube's side. features: numbers at each node.
    table: the largest number of entries of a level, a power of two. Weights are drawn from `generator`, by default of
    seed 0. Raises ValueError for another table size.
    """

    kind: ClassVar[str] = "network"
    cube_only: ClassVar[bool] = True

    def __init__(
        self,
        width: int = 64,
        layers: int = 2,
        cells: Sequence[int] = (8, 16, 32, 64, 128),
        features: int = 2,
        table: int = 2**17,
        radius: float = 0.5,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if table & (table - 1):
            raise ValueError(f"a table of {table} entries is not a power of two")
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.width, self.layers, self.cells, self.features, self.table = width, layers, tuple(cells), features, table
        self.radius = radius
        self.network = Mlp((width,) * layers, (), "softplus", radius, generator, more=len(self.cells) * features)
        self.tables = nn.ParameterList()
        for count in self.cells:
            entries = torch.empty(min((count + 1) ** 3, table), features)
            self.tables.append(nn.Parameter(entries.uniform_(-0.01, 0.01, generator=generator)))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-plain."""
        return {
            "width": self.width, "layers": self.layers, "cells": list(self.cells), "features": self.features,
            "table": self.table, "radius": self.radius,
        }  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at points (n, 3)."""
        return self.network(x, self.encode(x))

    def encode(self, x: Tensor) -> Tensor:
        """Features (n, levels * features) of points (n, 3)."""
        unit = ((x + SPACE) / (2 * SPACE)).clamp(0, 1)
        levels = []
        for count, table in zip(self.cells, self.tables, strict=True):
            u = unit * count
            low = u.detach().long().clamp_(max=count - 1)  # (n, 3)
            t = u - low
            corners = torch.stack([low, low + 1])  # (2, n, 3)
            if len(table) == (count + 1) ** 3:
                i, j, k = ((corners[..., axis] * (count + 1) ** (2 - axis)) for axis in range(3))
                index = (i[:, None, None] + j[None, :, None]) + k[None, None]  # (2, 2, 2, n)
            else:
                i, j, k = (corners[..., axis] * PRIMES[axis] for axis in range(3))
                index = (i[:, None, None] ^ j[None, :, None] ^ k[None, None]) & (self.table - 1)
            node = table[index]  # (2, 2, 2, n, f)
            levels.append(trilinear(node, t))
        return GAIN * torch.cat(levels, 1)
