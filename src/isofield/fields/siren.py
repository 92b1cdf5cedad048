"""Sine networks (Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation Functions").

Every hidden layer is sin(w0 (W x + b)), eq. 5 there with the same w0 everywhere; the last layer is linear.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SinCos(torch.autograd.Function):
    """sin and cos of one argument, computed once for the value, its gradient and their derivatives.

    For a loss on a gradient, autograd's own sine computes up to five sines and cosines per element; this one two.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (...) to (sin z, cos z)."""
        sine, cosine = z.sin(), z.cos()
        ctx.save_for_backward(sine, cosine)
        return sine, cosine

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """d sin = cos, d cos = -sin."""
        sine, cosine = ctx.saved_tensors
        by_sine, by_cosine = gradients
        return torch.addcmul(by_sine * cosine, by_cosine, sine, value=-1)


@final
class Siren(nn.Module):
    """A scalar field (n, 3) -> (n,): `layers` hidden sine layers of `width`, then a linear one.

    Weights and biases are uniform in +-sqrt(6 / width) / w0, those of the first layer in +-1/3 (Sitzmann et al. 2020,
    section 3.2); they are drawn from `generator`, by default of seed 0.
    """

    kind: ClassVar[str] = "network"
    cube_only: ClassVar[bool] = True

    def __init__(
        self, width: int = 192, layers: int = 4, w0: float = 20.0, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.width, self.depth, self.w0 = width, layers, w0
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.hidden = nn.ModuleList(nn.Linear(width if i else 3, width) for i in range(layers))
        self.last = nn.Linear(width, 1)
        bound = math.sqrt(6 / width) / w0
        with torch.no_grad():
            for index, layer in enumerate([*self.hidden, self.last]):
                for parameter in layer.parameters():
                    parameter.uniform_(-1, 1, generator=generator).mul_(bound if index else 1 / 3)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-plain."""
        return {"width": self.width, "layers": self.depth, "w0": self.w0}

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at points (n, 3)."""
        for layer in self.hidden:
            x = torch.sin(self.w0 * layer(x))
        return self.last(x)[:, 0]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values (n,) and exact spatial gradients (n, 3) at points (n, 3) by one analytic reverse sweep.

        Both are differentiable by the weights.
        """
        slopes = []
        for layer in self.hidden:
            x, cosine = SinCos.apply(self.w0 * layer(x))
            slopes.append(cosine)
        value = self.last(x)[:, 0]
        gradient = self.w0 * self.last.weight
        for layer, slope in zip(list(self.hidden)[:0:-1], slopes[:0:-1], strict=True):
            assert isinstance(layer, nn.Linear)  # for the type checker
            gradient = F.linear(gradient * slope, (self.w0 * layer.weight).T)
        return value, (gradient * slopes[0]) @ self.hidden[0].weight
