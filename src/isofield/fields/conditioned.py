"""One field for all shapes, with a code for each of them from an encoder or from a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from isofield.fields.meta_network import value_of


@final
class Conditioned(nn.Module):
    """f(x (b, n, d), z (b, l)): values (b, n) of a decoder with one output, a distance, or with two, a logit of being
    outside and a distance; colours (b, n, c) of one with more.

    decoder: x and z to outputs (b, n, c). encoder: samples (b, n, k) to codes (b, l); None where codes are a table.
    deviations: (2,) the logarithms of those that weigh sign and distance.
    """

    def __init__(self, decoder: nn.Module, encoder: nn.Module | None) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder
        self.deviations = nn.Parameter(torch.zeros(2))

    def config(self) -> dict[str, Any]:
        """Both networks."""
        return {"decoder": self.decoder, "encoder": self.encoder}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Conditioned:
        """The networks of `config()`; see `fields.serialization.Storable`."""
        return cls(**config)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) or (b, n, c) at x (b, n, d) of the shapes with codes z (b, l)."""
        return value_of(self.decoder(x, z))
