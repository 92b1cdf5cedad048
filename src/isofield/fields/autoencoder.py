"""A decoder f(x; z) together with the encoder that gives codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor, nn


@final
class Autoencoder(nn.Module):
    """f(x (b, n, 3), z (b, l)) -> (b, n) of its `decoder`; `encoder` maps observations to codes."""

    def __init__(self, decoder: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.decoder, self.encoder = decoder, encoder

    def config(self) -> dict[str, Any]:
        """Both networks."""
        return {"decoder": self.decoder, "encoder": self.encoder}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> Autoencoder:
        """The networks of `config()`; see `fields.serialization.Storable`."""
        return cls(**config)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """The decoder's values (b, n) at x (b, n, 3) of the shapes with codes z (b, l)."""
        value: Tensor = self.decoder(x, z)
        return value
