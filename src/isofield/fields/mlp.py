"""Multilayer perceptrons with skip connections, initialised as the distance to a sphere.

Geometric initialisation: Atzmon and Lipman 2020 (SAL, theorem 1), in the form of Gropp et al. 2020 (IGR) that keeps
the skip connection, as Neural-Pull's PyTorch release has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Literal["relu", "softplus"]
BETA = 100.0
"""Sharpness of the softplus, as SAL, SALD and IGR have it."""


class Softplus(torch.autograd.Function):
    """softplus(z) = log(1 + exp(BETA z)) / BETA and its derivative, from one sigmoid and one logarithm per element.

    Equal to `F.softplus(z, BETA)` to 1e-6 and several times faster on a CPU: with s = sigmoid(BETA |z|) the value is
    max(z, 0) - log(s) / BETA, the derivative s or 1 - s, the second derivative BETA s (1 - s).
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (...) to value and derivative."""
        slope = torch.sigmoid(BETA * z)
        value = torch.sub(z.relu(), torch.maximum(slope, 1 - slope).log_(), alpha=1 / BETA)
        ctx.save_for_backward(slope)
        return value, slope

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient by z from those by the value and by the derivative."""
        (slope,) = ctx.saved_tensors
        by_value, by_slope = gradients
        return slope * torch.addcmul(by_value, by_slope, 1 - slope, value=BETA)


@final
class Mlp(nn.Module):
    """A scalar field (n, 3) -> (n,), initially about |x| - `radius`.

    dims: widths of the hidden layers. skip: indices of the layers whose input is [h, x] / sqrt 2. Hidden weights are
    N(0, 2 / out), hidden biases 0, the last weights N(sqrt(pi / in), 1e-5), the last bias -radius; drawn from
    `generator`, by default of seed 0. more: number of additional inputs of the first layer for each point; their
    weights are initially 0, which keeps the sphere.
    """

    kind: ClassVar[str] = "network"
    cube_only: ClassVar[bool] = True

    def __init__(
        self,
        dims: Sequence[int] = (256,) * 8,
        skip: Sequence[int] = (4,),
        activation: Activation = "relu",
        radius: float = 0.5,
        generator: torch.Generator | None = None,
        more: int = 0,
    ) -> None:
        super().__init__()
        self.more = more
        self.dims, self.skip, self.activation, self.radius = tuple(dims), tuple(skip), activation, radius
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        sizes = [3 + more, *self.dims]
        # The layer before a skip is 3 narrower, so that the next input keeps its width.
        layers = [nn.Linear(sizes[i], sizes[i + 1] - (3 if i + 1 in self.skip else 0)) for i in range(len(self.dims))]
        self.hidden = nn.ModuleList(layers)
        self.last = nn.Linear(self.dims[-1], 1)
        with torch.no_grad():
            for layer in layers:
                layer.weight.normal_(0, math.sqrt(2 / layer.out_features), generator=generator)
                layer.bias.zero_()
            layers[0].weight[:, 3:] = 0
            self.last.weight.normal_(math.sqrt(math.pi / self.dims[-1]), 1e-5, generator=generator)
            self.last.bias.fill_(-radius)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-plain."""
        return {
            "dims": list(self.dims), "skip": list(self.skip), "activation": self.activation, "radius": self.radius,
            "more": self.more,
        }  # fmt: skip

    def forward(self, x: Tensor, more: Tensor | None = None) -> Tensor:
        """Values (n,) at points (n, 3) with additional inputs (n, more)."""
        h = x if more is None else torch.cat([x, more], 1)
        for index, layer in enumerate(self.hidden):
            if index in self.skip:
                h = torch.cat([h, x], 1) / math.sqrt(2)
            z = layer(h)
            h = z.relu() if self.activation == "relu" else Softplus.apply(z)[0]
        return self.last(h)[:, 0]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values (n,) and exact spatial gradients (n, 3) at points (n, 3) by one analytic reverse sweep.

        Both are differentiable by the weights.
        """
        h, slopes = x, []
        for index, layer in enumerate(self.hidden):
            if index in self.skip:
                h = torch.cat([h, x], 1) / math.sqrt(2)
            z = layer(h)
            h, slope = (z.relu(), (z > 0).to(z)) if self.activation == "relu" else Softplus.apply(z)
            slopes.append(slope)
        value = self.last(h)[:, 0]
        back, skipped = self.last.weight, torch.zeros_like(x)  # (1, width) and then (n, width); (n, 3)
        for index in range(len(self.hidden) - 1, -1, -1):
            layer = self.hidden[index]
            assert isinstance(layer, nn.Linear)  # for the type checker
            back = F.linear(back * slopes[index], layer.weight.T)
            if index in self.skip:
                back = back / math.sqrt(2)
                back, skipped = back[:, :-3], skipped + back[:, -3:]
        return value, back + skipped
