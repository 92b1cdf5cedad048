"""A field of codes, an encoder of pictures, and how far the pictures' votes for known codes reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

FIRST = 0.1
"""The kernel before training."""


@final
class PictureVotes(nn.Module):
    """f(x (b, n, 3), z (b, l)) -> (b, n) of its `decoder`; z is a mean over known codes that pictures vote for.

    encoder: pictures to codes. log_kernel: a scalar, the logarithm of the squared distance from the encoder's code to a
    known code at which a vote falls to 1 / e.
    """

    def __init__(self, decoder: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder
        self.log_kernel = nn.Parameter(torch.tensor(FIRST).log())

    def config(self) -> dict[str, Any]:
        """Both networks."""
        return {"decoder": self.decoder, "encoder": self.encoder}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> PictureVotes:
        """The networks of `config()`; see `fields.serialization.Storable`."""
        return cls(**config)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """The decoder's values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        value: Tensor = self.decoder(x, z)
        return value
