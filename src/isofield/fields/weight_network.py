"""A network whose weights are the code: one field for each vector of weights, many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.encoding import encoded

Nonlinearity = Literal["relu", "softplus", "sine"]
BETA = 100.0
"""Sharpness of softplus."""


@final
class WeightNetwork(nn.Module):
    """f(x; theta): values (b, n, outputs) at points x (b, n, inputs) of the b networks with weights theta (b, length).

    It has no weights of its own. dims: widths of the hidden layers. activation: ReLU, softplus (beta = 100), or sine
    sin(w0 (W x + b)). frequencies: the first layer gets sin(2^k x) and cos(2^k x) for k < frequencies beside x.
    """

    def __init__(
        self, inputs: int = 3, dims: Sequence[int] = (128,) * 4, outputs: int = 1, activation: Nonlinearity = "relu",
        frequencies: int = 0, w0: float = 30.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inputs, self.dims, self.outputs, self.activation = inputs, tuple(dims), outputs, activation
        self.frequencies, self.w0 = frequencies, w0
        widths = [inputs * (1 + 2 * frequencies), *self.dims, outputs]
        self.shapes = [(widths[layer + 1], widths[layer]) for layer in range(len(widths) - 1)]
        self.sizes = [size for rows, columns in self.shapes for size in (rows * columns, rows)]

    @property
    def length(self) -> int:
        """The number of weights and biases: matrix and bias of the first layer, then of the next."""
        return sum(self.sizes)

    def config(self) -> dict[str, Any]:
        """What `WeightNetwork(**config)` needs to build the same network."""
        return {
            "inputs": self.inputs, "dims": list(self.dims), "outputs": self.outputs, "activation": self.activation,
            "frequencies": self.frequencies, "w0": self.w0,
        }  # fmt: skip

    def first_weights(self, radius: float, generator: torch.Generator) -> Tensor:
        """Weights (length,) to start from.

        ReLU and softplus: about |x| - radius (Atzmon and Lipman 2020, SAL, theorem 1); the encoding's columns are 0.
        Sine: uniform, as in SIREN (Sitzmann et al. 2020, section 3.2).
        """
        parts, last = [], len(self.shapes) - 1
        for layer, (rows, columns) in enumerate(self.shapes):
            weight, bias = torch.empty(rows, columns), torch.zeros(rows)
            if self.activation == "sine":
                bound = math.sqrt(6 / columns) / self.w0 if layer else 1 / columns
                weight.uniform_(-bound, bound, generator=generator)
                bias.uniform_(-bound, bound, generator=generator)
            elif layer == last:
                weight.fill_(math.sqrt(math.pi / columns))
                bias.fill_(-radius)
            else:
                weight.normal_(0, math.sqrt(2 / rows), generator=generator)
                if layer == 0:
                    weight[:, self.inputs :] = 0
            parts += [weight.flatten(), bias]
        return torch.cat(parts)

    def small_weights(self, generator: torch.Generator) -> Tensor:
        """Weights (length,) of a ReLU network that is 0: uniform in +-1 / sqrt(in), those of the last layer 0."""
        parts, last = [], len(self.shapes) - 1
        for layer, (rows, columns) in enumerate(self.shapes):
            bound = 1 / math.sqrt(columns) if layer < last else 0.0
            parts.append(torch.empty(rows * columns + rows).uniform_(-bound, bound, generator=generator))
        return torch.cat(parts)

    def forward(self, x: Tensor, theta: Tensor) -> Tensor:
        """Values (b, n, outputs) at x (b, n, inputs); weights theta (b, length)."""
        h, parts = encoded(x, self.frequencies), theta.split(self.sizes, 1)
        for layer, (rows, columns) in enumerate(self.shapes):
            weight, bias = parts[2 * layer], parts[2 * layer + 1]
            h = torch.baddbmm(bias[:, None], h, weight.view(-1, rows, columns).transpose(1, 2))
            if layer < len(self.shapes) - 1:
                h = self._activated(h)
        return h

    def _activated(self, h: Tensor) -> Tensor:
        match self.activation:
            case "relu":
                return h.relu()
            case "softplus":
                return F.softplus(h, BETA)
        return torch.sin(self.w0 * h)
