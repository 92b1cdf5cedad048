"""Signed values of an occupancy network (Mescheder et al. 2019, "Occupancy Networks", CVPR)."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

SPEED = 10.0
"""Factor between the learned number and the logarithm of the slope, which Adam would hardly move otherwise."""


@final
class OccupancyField(nn.Module):
    """f(x (b, n, 3), z (b, l)) -> (b, n): the logit of being outside over its slope at surfaces; negative inside. Near
    a surface it is about the distance, elsewhere not.

    decoder: x and z to logits (b, n, 1). encoder: observations to means and log deviations of codes (b, l); None where
    codes are a table. log_slope: a tenth of the logarithm of that slope, a scalar.
    """

    def __init__(self, decoder: nn.Module, encoder: nn.Module | None) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder
        self.log_slope = nn.Parameter(torch.zeros(()))

    def config(self) -> dict[str, Any]:
        """Both networks."""
        return {"decoder": self.decoder, "encoder": self.encoder}

    def logit(self, x: Tensor, z: Tensor) -> Tensor:
        """The logits (b, n) of being outside."""
        return self.decoder(x, z)[..., 0]

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        return self.logit(x, z) / (SPEED * self.log_slope).exp()

    def slope_error(self, x: Tensor, z: Tensor) -> Tensor:
        """mean | log slope - log |gradient of the logit| | (b,) at points x (b, n, 3) on surfaces; it is differentiable
        by the slope alone, which it leads to the median."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.logit(x, z.detach()).sum(), x)
        return (SPEED * self.log_slope - gradient.norm(dim=2).clamp(min=1e-6).log()).abs().mean(1)
