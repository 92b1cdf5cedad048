"""The weights, or the code, that a few steps start from, and their sizes (Sitzmann et al. 2020, MetaSDF)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from isofield.fields.decoder import Decoder
from isofield.fields.weight_network import WeightNetwork

RatesPer = Literal["network", "tensor", "weight"]
SPEED = 10.0
"""Factor between the learned numbers and the logarithms of step sizes, which Adam would hardly move otherwise."""


@final
class MetaNetwork(nn.Module):
    """A network of given weights, the weights to start from, and the learned step sizes.

    f(x (b, n, d), theta (b, l)): values (b, n) of a network with one output, a distance, or with two, a logit of being
    outside and a distance; of one with more, colours (b, n, c).

    network: whose weights are the code, or a decoder whose own weights are shared. start: (l,) the first weights, or
    the first code. rates: (k, r), the step sizes of k steps (one for all of them, where k is 1), for the whole code (r
    = 1), for each matrix and bias, or for each weight. positive: rates are kept above 0 (their logarithms are learned).
    inner, outer: (2,) logarithms of the deviations that weigh sign and distance.
    """

    def __init__(self, network: WeightNetwork | Decoder, start: Tensor, rates: Tensor, positive: bool = False) -> None:
        super().__init__()
        self.network, self.positive = network, positive
        self.sizes = network.sizes if isinstance(network, WeightNetwork) else [network.length]
        self.start = nn.Parameter(start)
        self.steps = nn.Parameter(rates.log() / SPEED if positive else rates)
        self.inner, self.outer = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))

    @classmethod
    def begun(
        cls, network: WeightNetwork | Decoder, start: Tensor, rate: float, per: RatesPer, steps: int, positive: bool
    ) -> MetaNetwork:
        """With the same rate everywhere; steps: 1 for rates that all steps share."""
        sizes = network.sizes if isinstance(network, WeightNetwork) else [network.length]
        count = {"network": 1, "tensor": len(sizes), "weight": network.length}[per]
        return cls(network, start, torch.full((steps, count), rate), positive)

    def rates(self, steps: int) -> list[Tensor]:
        """The step sizes of each step, which broadcast to (b, l); the last ones repeat where there are more steps."""
        values = (SPEED * self.steps).exp() if self.positive else self.steps
        if values.shape[1] == len(self.sizes):
            sizes = torch.tensor(self.sizes, device=values.device)
            values = values.repeat_interleave(sizes, 1, output_size=self.network.length)
        return [values[min(step, len(values) - 1)] for step in range(steps)]

    def config(self) -> dict[str, Any]:
        """The network, and how many rates there are."""
        return {"network": self.network, "rates": list(self.steps.shape), "positive": self.positive}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> MetaNetwork:
        """The network of `config()`; see `fields.serialization.Storable`."""
        network = config["network"]
        return cls(network, torch.zeros(network.length), torch.ones(config["rates"]), config["positive"])

    def forward(self, x: Tensor, theta: Tensor) -> Tensor:
        """Values (b, n) or (b, n, c) at x (b, n, d)."""
        heads: Tensor = self.network(x, theta)
        return value_of(heads)


def value_of(heads: Tensor) -> Tensor:
    """Signed distances (b, n) of outputs (b, n, 1), or of a logit of being outside and a distance (b, n, 2): the sign
    of the first, the size of the second. More outputs stay as they are."""
    match heads.shape[-1]:
        case 1:
            return heads[..., 0]
        case 2:
            return torch.where(heads[..., 0] > 0, heads[..., 1].abs(), -heads[..., 1].abs())
    return heads
