"""A network that gives the weights of another (Ha et al. 2017, "HyperNetworks"), from a set of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from isofield.fields.set_encoder import relu_layers


@final
class Hypernetwork(nn.Module):
    """Samples (b, n, k) to the weights theta (b, sum of sizes) of a `WeightNetwork`.

    encoder: samples to latents (b, length). sizes: of the matrices and biases; each has a network of its own, with
    hidden layers of the widths `dims`. scale: the weights of their last layers are this many times He's. first: (sum of
    sizes,) their last biases, the theta of a latent of 0; 0 by default. generator: draws the first weights; seed 0 by
    default.
    """

    def __init__(
        self, encoder: nn.Module, length: int, sizes: Sequence[int], dims: Sequence[int] = (256,) * 2,
        scale: float = 0.1, first: Tensor | None = None, generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.encoder, self.length, self.sizes, self.dims = encoder, length, list(sizes), tuple(dims)
        self.heads = nn.ModuleList(relu_layers([length, *dims, size], generator) for size in sizes)
        parts = (torch.zeros(sum(sizes)) if first is None else first).split(self.sizes)
        with torch.no_grad():
            for head, part in zip(self.heads, parts, strict=True):
                last = list(head.parameters())
                last[-2].mul_(scale)
                last[-1].copy_(part)

    def config(self) -> dict[str, Any]:
        """What `Hypernetwork(**config)` needs to build the same network."""
        return {"encoder": self.encoder, "length": self.length, "sizes": self.sizes, "dims": list(self.dims)}

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (b, n, k) to theta (b, sum of sizes)."""
        latent = self.encoder(samples)
        return torch.cat([head(latent) for head in self.heads], 1)
