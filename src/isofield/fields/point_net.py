"""The encoder of SAL and SALD: a PointNet (Qi et al. 2017) as simplified in Occupancy Networks (Mescheder et al. 2019).

Names of parameters are those of SALD's released code (fc_pos.weight, ...), so that its checkpoints can be loaded.
"""

from __future__ import annotations

import math
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.decoder import Linear

FIRST_LOG_DEVIATION = -10.0
"""The log deviation of every code at first."""


@final
class PointNet(nn.Module):
    """Points (b, n, inputs) to the mean and the log deviation (b, length) of their shape's code, in any order of them.

    width: of the layers. rounds: layers that get, beside the features of a point, their maxima over all points. At
    first every mean is 0, every log deviation -10. keep_scale: the other weights are N(0, 2 / in), so that features
    keep their size from layer to layer (He et al. 2015); otherwise they are torch's own, with which features shrink.
    generator: draws the first weights; seed 0 by default.
    """

    def __init__(
        self, length: int, width: int = 512, rounds: int = 3, inputs: int = 3, *, keep_scale: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.length, self.width, self.rounds, self.inputs = length, width, rounds, inputs
        self.keep_scale = keep_scale
        self.fc_pos = Linear(inputs, 2 * width, False, generator)
        for index in range(rounds + 1):
            self.add_module(f"fc_{index}", Linear(2 * width, width, False, generator))
        if keep_scale:
            for linear in (self.fc_pos, *map(self._layer, range(rounds + 1))):
                nn.init.normal_(linear.weight, 0, math.sqrt(2 / linear.weight.shape[1]), generator)
                nn.init.zeros_(linear.bias)
        self.fc_mean, self.fc_std = (Linear(width, length, False, generator) for _ in range(2))
        for linear, bias in ((self.fc_mean, 0.0), (self.fc_std, FIRST_LOG_DEVIATION)):
            nn.init.zeros_(linear.weight)
            nn.init.constant_(linear.bias, bias)

    def config(self) -> dict[str, Any]:
        """What `PointNet(**config)` needs to build the same network."""
        return {
            "length": self.length, "width": self.width, "rounds": self.rounds, "inputs": self.inputs,
            "keep_scale": self.keep_scale,
        }  # fmt: skip

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Points (b, n, inputs) to means and log deviations (b, length)."""
        h = F.linear(points, self.fc_pos.matrix(), self.fc_pos.bias).relu()
        h = F.linear(h, self._layer(0).matrix(), self._layer(0).bias)
        for index in range(1, self.rounds + 1):
            own, shared = self._layer(index).matrix().split(self.width, 1)
            most = F.linear(h.amax(1).relu(), shared, self._layer(index).bias)  # once a shape
            h = F.linear(h.relu(), own) + most[:, None]
        most = h.amax(1).relu()
        mean, deviation = (F.linear(most, head.matrix(), head.bias) for head in (self.fc_mean, self.fc_std))
        return mean, deviation

    def _layer(self, index: int) -> Linear:
        return getattr(self, f"fc_{index}")
