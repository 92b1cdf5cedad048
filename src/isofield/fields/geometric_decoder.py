"""SAL's and SALD's decoder, one network for all shapes, initialised as the distance to a sphere: Atzmon and Lipman,
"SAL: Sign Agnostic Learning of Shapes from Raw Data", CVPR 2020, theorem 1; "SALD", ICLR 2021.

Names of parameters are those of the released code (lin0.weight_v, ...), so that its checkpoints can be loaded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.decoder import Linear
from isofield.fields.mlp import Activation, Softplus


@runtime_checkable
class Differentiable(Protocol):
    """A network f(x; z) with its exact spatial gradient, such as `GeometricDecoder`."""

    def __call__(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""

    def value_and_gradient(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Values (b, n) and gradients (b, n, 3)."""


LAST_STD = 1e-4
"""Standard deviation of the first weights of the last layer."""


@final
class GeometricDecoder(nn.Module):
    """f(x; z): values (b, n) at points x (b, n, 3) of the shapes with codes z (b, length).

    At first it is about slope (|x| - radius) for z = 0.

    dims: widths of the hidden layers. skip: layers whose input is [h, x, z] / sqrt 2; the layer before is narrower by
    the length of [x, z]. norm_layers: layers with weight norm. same_start: the first weights of the codes are 0, so
    that the field starts as the sphere for every code; otherwise a code of length 1 makes the sphere vanish. generator:
    draws the first weights; seed 0 by default.

    Hidden weights are N(0, 2 / out), hidden biases 0, the last weights N(slope sqrt(pi / in), 1e-8), the last bias
    -slope radius. The product of a layer's matrix with the code is the same at every point of a shape, and is computed
    once a shape. Raises ValueError for layers that do not fit together.
    """

    def __init__(
        self,
        length: int = 256,
        dims: Sequence[int] = (512,) * 8,
        skip: Sequence[int] = (4,),
        *,
        activation: Activation = "softplus",
        radius: float = 1.0,
        slope: float = 1.0,
        norm_layers: Sequence[int] = tuple(range(9)),
        same_start: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not length >= 1 or not dims or any(not 0 < layer < len(dims) for layer in skip):
            raise ValueError(f"no decoder of {len(dims)} layers joins {list(skip)}: 1 to {len(dims) - 1} can")
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.length, self.dims, self.skip, self.activation = length, tuple(dims), tuple(skip), activation
        self.radius, self.slope, self.norm_layers = radius, slope, tuple(norm_layers)
        self.same_start = same_start
        sizes, last = [length + 3, *self.dims, 1], len(self.dims)
        for layer in range(last + 1):
            outputs = sizes[layer + 1] - (length + 3 if layer + 1 in self.skip else 0)
            if outputs < 1:
                raise ValueError(f"layer {layer} is too narrow: {length + 3} numbers join the next")
            linear = Linear(sizes[layer], outputs, layer in self.norm_layers, generator)
            weight = torch.empty(outputs, sizes[layer])
            if layer == last:
                weight.normal_(slope * math.sqrt(math.pi / sizes[layer]), LAST_STD, generator=generator)
            else:
                weight.normal_(0, math.sqrt(2 / outputs), generator=generator)
            if same_start and layer in (0, *self.skip):
                weight[:, -length:] = 0
            linear.set_matrix(weight)
            nn.init.constant_(linear.bias, -slope * radius if layer == last else 0.0)
            self.add_module(f"lin{layer}", linear)

    def config(self) -> dict[str, Any]:
        """What `GeometricDecoder(**config)` needs to build the same network."""
        return {
            "length": self.length, "dims": list(self.dims), "skip": list(self.skip), "activation": self.activation,
            "radius": self.radius, "slope": self.slope, "norm_layers": list(self.norm_layers),
            "same_start": self.same_start,
        }  # fmt: skip

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        return self._swept(x, z, self._matrices())[0]

    def value_and_gradient(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Values (b, n) and exact spatial gradients (b, n, 3), by one analytic reverse sweep.

        Both are differentiable by the weights and the codes.
        """
        matrices = self._matrices()
        value, slopes = self._swept(x, z, matrices)
        back, skipped = matrices[-1][0], torch.zeros_like(x)  # (width,) and then (b, n, width); (b, n, 3)
        for layer in range(len(self.dims) - 1, -1, -1):
            kept = matrices[layer][:, : matrices[layer].shape[1] - (self.length if layer in (0, *self.skip) else 0)]
            back = F.linear(back * slopes[layer], kept.T)
            if layer in self.skip:
                back = back / math.sqrt(2)
                back, skipped = back[..., :-3], skipped + back[..., -3:]
        return value, back + skipped

    def _matrices(self) -> list[Tensor]:
        return [self._linear(layer).matrix() for layer in range(len(self.dims) + 1)]

    def _swept(self, x: Tensor, z: Tensor, matrices: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Values (b, n), and the derivatives (b, n, width) of the activations of every hidden layer."""
        h, slopes = x, list[Tensor]()
        for layer, matrix in enumerate(matrices[:-1]):
            bias = self._linear(layer).bias
            if layer in (0, *self.skip):
                joined, scale = (x, 1.0) if layer == 0 else (torch.cat([h, x], -1), 1 / math.sqrt(2))
                own = F.linear(z * scale, matrix[:, -self.length :], bias)
                a = F.linear(joined * scale if layer else x, matrix[:, : -self.length]) + own[:, None]
            else:
                a = F.linear(h, matrix, bias)
            h, slope = (a.relu(), (a > 0).to(a)) if self.activation == "relu" else Softplus.apply(a)
            slopes.append(slope)
        return F.linear(h, matrices[-1], self._linear(len(self.dims)).bias)[..., 0], slopes

    def _linear(self, layer: int) -> Linear:
        return getattr(self, f"lin{layer}")
