"""A decoder f(x; z) together with the encoder that gives codes, or votes for them."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

from isofield.fields.meta_network import value_of

FIRST = 0.1
"""The kernel of `PictureVotes` before training."""


@final
class Autoencoder(nn.Module):
    """f(x (b, n, 3), z (b, l)) -> (b, n) of its `decoder`; `encoder` maps observations to codes."""

    def __init__(self, decoder: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder

    def config(self) -> dict[str, Any]:
        """Both networks."""
        return {"decoder": self.decoder, "encoder": self.encoder}

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """The decoder's values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        return self.decoder(x, z)


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

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """The decoder's values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        return self.decoder(x, z)


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

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n) or (b, n, c) at x (b, n, d) of the shapes with codes z (b, l)."""
        return value_of(self.decoder(x, z))
