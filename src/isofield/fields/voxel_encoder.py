"""Grids of voxels to codes: the encoder of Occupancy Networks (Mescheder et al. 2019) for them, smaller."""

from __future__ import annotations

import math
from typing import Any, final

import torch
from torch import Tensor, nn

from isofield.fields.point_net import FIRST_LOG_DEVIATION
from isofield.fields.set_encoder import keep_scale

LAYERS = 4
"""Convolutions; each halves the grid and doubles the channels."""


@final
class VoxelEncoder(nn.Module):
    """Points (b, n, 3) on surfaces to the means and log deviations (b, length) of their shapes' codes.

    A voxel of the grid over the cube from -1 to 1 counts as occupied where it has a point. cells: along each side of
    the grid. width: channels of the first convolution. At first every mean is 0, every log deviation -10.
    generator: draws the first weights; seed 0 by default.
    """

    def __init__(self, length: int, cells: int = 32, width: int = 16, generator: torch.Generator | None = None) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.length, self.cells, self.width = length, cells, width
        layers: list[nn.Module] = []
        side, channels = cells, 1
        for layer in range(LAYERS):
            layers += [nn.Conv3d(channels, width * 2**layer, 3, 2, 1), nn.ReLU()]
            side, channels = math.ceil(side / 2), width * 2**layer
        self.layers = nn.Sequential(*layers, nn.Flatten())
        keep_scale(self.layers, generator)
        self.mean, self.log_deviation = (nn.Linear(channels * side**3, length) for _ in range(2))
        for head, bias in ((self.mean, 0.0), (self.log_deviation, FIRST_LOG_DEVIATION)):
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, bias)

    def config(self) -> dict[str, Any]:
        """What `VoxelEncoder(**config)` needs to build the same network."""
        return {"length": self.length, "cells": self.cells, "width": self.width}

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Points (b, n, 3) to means and log deviations (b, length)."""
        features = self.layers(self.voxels(points))
        return self.mean(features), self.log_deviation(features)

    def voxels(self, points: Tensor) -> Tensor:
        """The grids (b, 1, cells, cells, cells) of points (b, n, 3): 1 where a voxel has a point, else 0."""
        cells, count = self.cells, len(points)
        index = ((points + 1) * (cells / 2)).long().clamp(0, cells - 1)
        row = torch.arange(count, device=points.device)[:, None] * cells**3
        flat = row + (index[..., 0] * cells + index[..., 1]) * cells + index[..., 2]
        grid = points.new_zeros(count * cells**3)
        grid[flat.flatten()] = 1.0
        return grid.view(count, 1, cells, cells, cells)
