"""An encoder of clouds in one frame: the offsets from the points of a fixed basis to the nearest points of the cloud
(Prokudin, Lassner and Romero, "Efficient Learning on Point Clouds with Basis Point Sets", ICCV 2019). Its code is
corrected by the decoder's values at some of these nearest points, which should be 0: a learned descent (Marino, Yue and
Mandt, "Iterative Amortized Inference", ICML 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.decoder import Linear
from isofield.fields.point_net import FIRST_LOG_DEVIATION

AWAY, UNIT = 0.2, 0.3
"""Distances count from the first; they and offsets are divided by the second."""
EVERY, LARGEST, CODE = 2, 0.1, 0.1
"""The decoder is evaluated at every second one of the nearest points; its values are truncated at the second number and
divided by it, codes divided by the third."""


@final
class BasisEncoder(nn.Module):
    """Points (b, n, inputs) and the decoder f(x; z) to means and log deviations (b, rounds + 1, length) of the codes of
    their shapes: first without f, then after each correction. The last one is the result.

    basis: (m, 3) points. width: of the layers. rounds: corrections, by the same layers. inputs: 3, or 6 with normals.
    At first every mean is 0, every log deviation -10. generator: draws the first weights; seed 0 by default.
    """

    def __init__(
        self, basis: Tensor, length: int, width: int = 512, rounds: int = 2, inputs: int = 3, *,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.basis: Tensor
        self.register_buffer("basis", basis)
        self.length, self.width, self.rounds, self.inputs = length, width, rounds, inputs
        half = max(width // 2, 1)
        self.observed = Linear(len(basis) * (inputs + 1), width, False, generator)
        self.first, self.second = (Linear(width, width, False, generator) for _ in range(2))
        self.shape = Linear(width, half, False, generator)
        self.said = Linear(len(basis[::EVERY]) + length, half, False, generator)
        self.third = Linear(half, half, False, generator)
        self.mean, self.change = Linear(width, length, False, generator), Linear(half, length, False, generator)
        self.deviation = Linear(width, length, False, generator)
        for head, bias in ((self.mean, 0.0), (self.change, 0.0), (self.deviation, FIRST_LOG_DEVIATION)):
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, bias)

    def config(self) -> dict[str, Any]:
        """What `from_config` needs, beside the basis, to build the same network."""
        return {"length": self.length, "width": self.width, "rounds": self.rounds, "inputs": self.inputs}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> BasisEncoder:
        """The network of `config()`; see `fields.serialization.Storable`."""
        return cls(torch.as_tensor(state["basis"]), **config)

    def forward(self, points: Tensor, decoder: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Means and log deviations (b, rounds + 1, length)."""
        nearest = self._nearest(points)
        offset = nearest[..., :3] - self.basis
        seen = [offset.norm(dim=2, keepdim=True) - AWAY, offset, nearest[..., 3:] * UNIT]
        h = _applied(self.observed, torch.cat(seen, 2).flatten(1) / UNIT).relu()
        for layer in (self.first, self.second):
            h = h + _applied(layer, h).relu()
        means, shape = [_applied(self.mean, h)], _applied(self.shape, h)
        for _ in range(self.rounds):
            code = means[-1].detach()
            with torch.no_grad():
                value = decoder(nearest[:, ::EVERY, :3], code).clamp(-LARGEST, LARGEST) / LARGEST
            g = (shape + _applied(self.said, torch.cat([value, code / CODE], 1))).relu()
            means.append(code + _applied(self.change, g + _applied(self.third, g).relu()))
        log_deviation = _applied(self.deviation, h)[:, None].expand(-1, len(means), -1)
        return torch.stack(means, 1), log_deviation

    @torch.no_grad()
    def _nearest(self, points: Tensor) -> Tensor:
        """The point (b, m, inputs) of each cloud (b, n, inputs) that is nearest to each point of the basis."""
        index = torch.cdist(self.basis.expand(len(points), -1, -1), points[..., :3]).argmin(2)
        return torch.gather(points, 1, index[..., None].expand(-1, -1, points.shape[2]))


def _applied(layer: Linear, h: Tensor) -> Tensor:
    return F.linear(h, layer.matrix(), layer.bias)
