"""Sets of samples to codes: layers for each sample, then a pool over all of them (Zaheer et al. 2017, "Deep Sets"; the
encoder of Garnelo et al. 2018, "Conditional Neural Processes", and of SIREN's released code)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

Pool = Literal["mean", "max"]


def keep_scale(module: nn.Module, generator: torch.Generator) -> None:
    """Draws weights N(0, 2 / inputs), so that features keep their size from layer to layer with ReLU (He et al. 2015);
    biases are 0."""
    for name, value in module.named_parameters():
        if name.endswith("weight"):
            nn.init.normal_(value, 0, math.sqrt(2 / value[0].numel()), generator)
        else:
            nn.init.zeros_(value)


def relu_layers(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear maps from each width to the next, with ReLU between them, and with weights as of `keep_scale`."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    made = nn.Sequential(*layers[:-1])
    keep_scale(made, generator)
    return made


@final
class SetEncoder(nn.Module):
    """Samples (b, n, inputs) of sets to codes (b, length), in any order of the samples.

    dims: widths of the layers of a sample. pool: the mean or the maximum over the samples; a linear map of it is the
    code. generator: draws the first weights; seed 0 by default.
    """

    def __init__(
        self, inputs: int, length: int, dims: Sequence[int] = (256,) * 4, pool: Pool = "mean",
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.inputs, self.length, self.dims, self.pool = inputs, length, tuple(dims), pool
        self.samples, self.last = relu_layers([inputs, *dims], generator), relu_layers([dims[-1], length], generator)

    def config(self) -> dict[str, Any]:
        """What `SetEncoder(**config)` needs to build the same network."""
        return {"inputs": self.inputs, "length": self.length, "dims": list(self.dims), "pool": self.pool}

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (b, n, inputs) to codes (b, length)."""
        features = self.samples(samples).relu()
        return self.last(features.mean(1) if self.pool == "mean" else features.amax(1))
