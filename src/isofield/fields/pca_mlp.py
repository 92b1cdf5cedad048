"""Principal components on a coarse grid, and a small network that corrects them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.pca_grid import PcaGrid

AROUND = 4
"""Nodes of the grid along each axis that the network's input at a point depends on."""
SEEN = 0.3
"""Distances of the input are clamped here."""
GAIN, SHARE = 5.0, 0.1
"""Factors on the distances of the input and on the output, about the inverse and the size of distances near a
surface."""
INPUTS = (AROUND - 1) ** 3 + 6 + 3


@final
class PcaMlp(nn.Module):
    """f(x; z) = V(x; z) + 0.1 g(V(x + o_1; z), ..., V(x + o_27; z), phase(x), x, z), distances (b, n).

    V is the trilinear interpolation of a linear space's volume, o_i the offsets to 27 neighbours a cell apart, phase(x)
    the position of x between the nodes (cosine and sine, with a period of a cell), and g a network with hidden layers
    of the widths `dims`, which starts as 0. Its input is continuous in x, and so is its output: no cell shows.

    coarse: the linear space, which stays as it is. lead: how many leading numbers of the code are inputs of g, too.
    generator: draws the first weights; seed 0 by default.
    """

    def __init__(
        self, coarse: PcaGrid, dims: Sequence[int] = (96,) * 3, lead: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.coarse, self.dims, self.lead = coarse, tuple(dims), min(lead, coarse.length)
        self.code = nn.Linear(self.lead, self.dims[0], bias=False)
        sizes = [INPUTS, *self.dims]
        layers = [nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(self.dims))]
        self.hidden = nn.ModuleList(layers)
        self.last = nn.Linear(self.dims[-1], 1)
        with torch.no_grad():
            for layer in layers:
                bound = 1 / math.sqrt(layer.in_features)
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
            for zero in (self.code.weight, self.last.weight, self.last.bias):
                zero.zero_()

    @property
    def length(self) -> int:
        """Length of a code."""
        return self.coarse.length

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"coarse": self.coarse, "dims": list(self.dims), "lead": self.lead}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> PcaMlp:
        """The space of `config()`; see `fields.serialization.Storable`."""
        if not isinstance(config["coarse"], PcaGrid):
            raise ValueError("the coarse part of a PcaMlp is not a PcaGrid")
        return cls(**config)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Distances (b, n) at x (b, n, 3) of the shapes with codes z (b, l), differentiable in both."""
        return self.decode(x, self.condition(z))

    def condition(self, z: Tensor, random: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Codes (b, l) to the linear space's volumes, a node wider on every side, (b, (cells + 3)^3), and what the
        codes add to the first layer (b, width). Nothing drops out, whatever `random` is."""
        return padded(self.coarse, z), self.code(z[:, : self.lead])

    def decode(self, x: Tensor, given: tuple[Tensor, Tensor], random: torch.Generator | None = None) -> Tensor:
        """Distances (b, n) at x (b, n, 3); given: what `condition` made of the codes."""
        volume, code = given
        value, seen = surroundings(self.coarse.cells, volume, x)
        h = self.hidden[0](seen) + code[:, None]
        for layer in self.hidden[1:]:
            h = layer(h.relu())
        return value + SHARE * self.last(h.relu())[..., 0]


def padded(coarse: PcaGrid, z: Tensor) -> Tensor:
    """The volumes of codes (b, l), a node wider on every side, (b, (cells + 3)^3)."""
    side = coarse.cells + 1
    volume = coarse.volume(z).view(-1, 1, side, side, side)
    return F.pad(volume, (1,) * 6, mode="replicate").flatten(1)


def surroundings(cells: int, volume: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """V(x) (b, n) at x (b, n, 3), and what a network sees there (b, n, INPUTS): V at 27 neighbours, the phase, and x.

    volume: (b, (cells + 3)^3), of `padded`. Both are differentiable in x and in the volume, and continuous.
    """
    side = cells + 3
    u = (x.clamp(-1, 1) + 1) * (cells / 2)  # (b, n, 3) in cells
    low = u.detach().floor().clamp(max=cells - 1)
    t = u - low
    steps = torch.arange(AROUND, device=x.device)
    offset = ((steps[:, None, None] * side + steps[:, None]) * side + steps).flatten()
    first = ((low[..., 0] * side + low[..., 1]) * side + low[..., 2]).long()
    patch = volume.gather(1, (first[..., None] + offset).flatten(1)).view(*first.shape, AROUND, AROUND, AROUND)
    for axis in range(3):  # (b, n, 4, 4, 4) to (b, n, 3, 3, 3): interpolated at x and a cell on either side
        left, right = (patch.narrow(axis + 2, start, AROUND - 1) for start in (0, 1))
        patch = torch.lerp(left, right, t[..., axis, None, None, None])
    turn = 2 * math.pi * t
    seen = GAIN * patch.clamp(-SEEN, SEEN).flatten(2)
    return patch[..., 1, 1, 1], torch.cat([seen, turn.cos(), turn.sin(), x], -1)
