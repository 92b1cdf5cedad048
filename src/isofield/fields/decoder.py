"""DeepSDF's decoder, one network for all shapes: Park, Florence, Straub, Newcombe and Lovegrove, "DeepSDF: Learning
Continuous Signed Distance Functions for Shape Representation", CVPR 2019, section 4 and figure 4.

Names of parameters are those of the released code (lin0.weight_v, ...), so that its checkpoints can be loaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.encoding import encoded

LATENT_DROPOUT = 0.2
"""Probability of latent dropout, as in the released code."""


@runtime_checkable
class Conditional(Protocol):
    """A network f(x; z) that handles the code once a shape and the points apart, such as `Decoder`."""

    def condition(self, z: Tensor, random: torch.Generator | None = None) -> Any:
        """What codes (b, l) add, for `decode`."""

    def decode(self, x: Tensor, added: Any, random: torch.Generator | None = None) -> Tensor:
        """Distances (b, n) at x (b, n, 3)."""


@final
class Linear(nn.Module):
    """A linear map; `normed`: with its rows' lengths g apart from their directions v (Salimans and Kingma 2016)."""

    def __init__(self, inputs: int, outputs: int, normed: bool, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        weight = torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator)
        if normed:
            self.weight_g, self.weight_v = nn.Parameter(weight.norm(dim=1, keepdim=True)), nn.Parameter(weight)
        else:
            self.weight = nn.Parameter(weight)
        self.normed = normed
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound, generator=generator))

    def matrix(self) -> Tensor:
        """The map's matrix (outputs, inputs)."""
        return self.weight_v * (self.weight_g / self.weight_v.norm(dim=1, keepdim=True)) if self.normed else self.weight

    @torch.no_grad()
    def set_matrix(self, matrix: Tensor) -> None:
        """Takes over a matrix (outputs, inputs)."""
        if self.normed:
            self.weight_g.copy_(matrix.norm(dim=1, keepdim=True))
            self.weight_v.copy_(matrix)
        else:
            self.weight.copy_(matrix)


@final
class Decoder(nn.Module):
    """f(x; z): the distances (b, n) at points x (b, n, inputs) of the shapes with codes z (b, length), within -1 and 1;
    where `outputs` is not 0, that many values (b, n, outputs) without bounds.

    dims: widths of the hidden layers. latent_in: layers whose input is [h, z, x]; the layer before is narrower by the
    length of [z, x]. xyz_in_all: the input of all other layers is [h, x]. norm_layers: layers with weight norm, or
    without `weight_norm` with layer norm. dropout: layers with dropout, of the probability dropout_prob.
    latent_dropout: dropout of the code in the first layer. A tanh ends the network, as in the released code whatever
    its settings; use_tanh puts a second one before it. frequencies: x gets sin(2^k x) and cos(2^k x) for k <
    frequencies beside it. generator: draws the first weights; seed 0 by default.

    The product of a layer's matrix with the code is the same at every point of a shape: `condition` computes it once a
    shape, and `decode` adds it. Both use dropout only where they get a generator.
    """

    def __init__(
        self,
        length: int = 256,
        dims: Sequence[int] = (512,) * 8,
        latent_in: Sequence[int] = (4,),
        *,
        norm_layers: Sequence[int] = tuple(range(8)),
        weight_norm: bool = True,
        dropout: Sequence[int] = tuple(range(8)),
        dropout_prob: float = 0.2,
        xyz_in_all: bool = False,
        latent_dropout: bool = False,
        use_tanh: bool = False,
        inputs: int = 3,
        outputs: int = 0,
        frequencies: int = 0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not length >= 1 or not dims or any(not 0 < layer <= len(dims) for layer in latent_in):
            raise ValueError(f"no decoder of {len(dims)} layers joins {list(latent_in)}: 1 to {len(dims)} can")
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.length, self.dims, self.latent_in = length, tuple(dims), tuple(latent_in)
        self.norm_layers, self.weight_norm = tuple(norm_layers), weight_norm
        self.dropout, self.dropout_prob, self.latent_dropout = tuple(dropout), dropout_prob, latent_dropout
        self.xyz_in_all, self.use_tanh, self.inputs, self.outputs = xyz_in_all, use_tanh, inputs, outputs
        self.frequencies = frequencies
        self.joined = length + inputs * (1 + 2 * frequencies)
        sizes, last = [self.joined, *self.dims, max(outputs, 1)], len(self.dims)
        for layer in range(last + 1):
            width = sizes[layer + 1]
            if layer + 1 in self.latent_in:
                width -= self.joined
            elif xyz_in_all and layer != last:
                width -= self.joined - length
            if width < 1:
                raise ValueError(f"layer {layer} is too narrow: {sizes[layer + 1] - width} numbers join the next")
            normed = layer in self.norm_layers
            self.add_module(f"lin{layer}", Linear(sizes[layer], width, weight_norm and normed, generator))
            if normed and not weight_norm and layer < last:
                self.add_module(f"bn{layer}", nn.LayerNorm(width))

    def config(self) -> dict[str, Any]:
        """What `Decoder(**config)` needs to build the same network."""
        return {
            "length": self.length, "dims": list(self.dims), "latent_in": list(self.latent_in),
            "norm_layers": list(self.norm_layers), "weight_norm": self.weight_norm, "dropout": list(self.dropout),
            "dropout_prob": self.dropout_prob, "xyz_in_all": self.xyz_in_all, "latent_dropout": self.latent_dropout,
            "use_tanh": self.use_tanh, "inputs": self.inputs, "outputs": self.outputs,
            "frequencies": self.frequencies,
        }  # fmt: skip

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) or (b, n, outputs) at x (b, n, inputs) of the shapes with codes z (b, l), without dropout."""
        return self.decode(x, self.condition(z))

    def condition(self, z: Tensor, random: torch.Generator | None = None) -> dict[int, Tensor]:
        """Codes (b, l) to what they add to the outputs of the layers that they join, (b, outputs) each, by layer."""
        added = {}
        for layer in (0, *self.latent_in):
            code = z
            if layer == 0 and self.latent_dropout and random is not None:
                code = dropped(z, LATENT_DROPOUT, random)
            linear = self._linear(layer)
            matrix, start = linear.matrix(), 0 if layer == 0 else self.dims[layer - 1] - self.joined
            added[layer] = F.linear(code, matrix[:, start : start + self.length], linear.bias)
        return added

    def decode(self, x: Tensor, added: dict[int, Tensor], random: torch.Generator | None = None) -> Tensor:
        """Values (b, n) or (b, n, outputs) at x (b, n, inputs); added: what `condition` made of the codes."""
        x, last = encoded(x, self.frequencies), len(self.dims)
        h = x
        for layer in range(last + 1):
            linear = self._linear(layer)
            matrix = linear.matrix()
            if layer in added:  # the columns of the code are left out: their product is `added`
                kept = h.shape[-1] if layer else 0
                if layer:
                    h = torch.cat([h, x], -1)
                h = F.linear(h, torch.cat([matrix[:, :kept], matrix[:, kept + self.length :]], 1))
                h = h + added[layer][:, None]
            else:
                if self.xyz_in_all and layer:
                    h = torch.cat([h, x], -1)
                h = F.linear(h, matrix, linear.bias)
            if layer == last:
                break
            if layer in self.norm_layers and not self.weight_norm:
                h = getattr(self, f"bn{layer}")(h)
            h = h.relu()
            if random is not None and layer in self.dropout and self.dropout_prob:
                h = dropped(h, self.dropout_prob, random)
        h = h.tanh() if self.use_tanh else h
        return h if self.outputs else h.tanh()[..., 0]

    def _linear(self, layer: int) -> Linear:
        return getattr(self, f"lin{layer}")


def dropped(h: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Dropout with this probability: the other entries grow to make up for it (Srivastava et al. 2014)."""
    kept = torch.rand(h.shape, generator=random, device=h.device) >= share
    return h * kept / (1 - share)


@final
class LatentField(nn.Module):
    """The field (n, 3) -> (n,) of one code (l,) of a space f(x (b, n, 3), z (b, l)) -> (b, n)."""

    kind: ClassVar[str] = "network"
    cube_only: ClassVar[bool] = True
    code: Tensor

    def __init__(self, space: nn.Module, code: Tensor) -> None:
        super().__init__()
        self.space = space
        self.register_buffer("code", code)

    def config(self) -> dict[str, Any]:
        """The space of shapes; the code is a tensor."""
        return {"space": self.space}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> LatentField:
        """The field of `config()`; see `fields.serialization.Storable`."""
        return cls(config["space"], torch.as_tensor(state["code"]))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3) to (n,)."""
        value: Tensor = self.space(x[None], self.code[None])
        return value[0]
