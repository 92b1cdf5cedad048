"""Codes with a grid of features: Gordon et al. 2020, "Convolutional Conditional Neural Processes" (section 4, off the
grid), with the projections of Peng et al. 2020, "Convolutional Occupancy Networks" (section 3.1), in space.

Where the features of a sample do not depend on the size of its set, those of a place still depend on the samples there
alone; a network of convolutions carries them further.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isofield.fields.decoder import Decoder
from isofield.fields.encoding import encoded
from isofield.fields.set_encoder import SetEncoder, keep_scale, relu_layers

CONVOLUTIONS = 4
"""Layers of 3 x 3 cells; each looks twice as far as the one before."""


def planes(dimension: int) -> tuple[tuple[int, int], ...]:
    """The axes of the planes that points are projected to: one in the plane, three in space."""
    return ((0, 1),) if dimension == 2 else ((0, 1), (0, 2), (1, 2))


@final
class PlaneEncoder(nn.Module):
    """Samples (b, n, k), their first `dimension` numbers the position, to codes (b, l + planes * channels * cells^2): a
    latent of the whole set, and planes of features over [-1, 1]^2.

    whole: samples to latents (b, l). width: of the layer that gives the features of a sample. The mean of these over
    the samples in a cell, and whether there are any, go through convolutions.
    """

    def __init__(
        self, whole: SetEncoder, dimension: int, cells: int, channels: int, width: int,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.whole, self.dimension, self.cells, self.channels, self.width = whole, dimension, cells, channels, width
        self.features = relu_layers([whole.inputs, width, channels], generator)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels if layer else channels + 1, channels, 3, padding=2**layer, dilation=2**layer)
            for layer in range(CONVOLUTIONS)
        )
        keep_scale(self.convolutions, generator)

    def config(self) -> dict[str, Any]:
        """What `PlaneEncoder(**config)` needs to build the same network."""
        return {
            "whole": self.whole, "dimension": self.dimension, "cells": self.cells, "channels": self.channels,
            "width": self.width,
        }  # fmt: skip

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (b, n, k) to codes (b, l + planes * channels * cells^2)."""
        features, position = self.features(samples), samples[..., : self.dimension]
        filled = [self._convolved(self.means(features, position[..., list(axes)])) for axes in planes(self.dimension)]
        return torch.cat([self.whole(samples), *(plane.flatten(1) for plane in filled)], 1)

    def means(self, features: Tensor, position: Tensor) -> Tensor:
        """(b, channels + 1, cells, cells): means of features (b, n, channels) at positions (b, n, 2) over each cell."""
        shapes, cells = len(features), self.cells
        column, row = ((position + 1) / 2 * cells).long().clamp(0, cells - 1).unbind(-1)
        cell = (torch.arange(shapes, device=row.device)[:, None] * cells + row) * cells + column
        sums = features.new_zeros(shapes * cells * cells, self.channels)
        count = features.new_zeros(shapes * cells * cells, 1)
        sums = sums.index_add(0, cell.flatten(), features.flatten(0, 1))
        count = count.index_add(0, cell.flatten(), torch.ones_like(features[..., :1]).flatten(0, 1))
        filled = torch.cat([sums / count.clamp(min=1), (count > 0).to(sums)], 1)
        return filled.view(shapes, cells, cells, -1).permute(0, 3, 1, 2)

    def _convolved(self, h: Tensor) -> Tensor:
        """(b, channels + 1, cells, cells) to (b, channels, cells, cells); all layers but the first add to their
        input."""
        for index, layer in enumerate(self.convolutions):
            h = h + layer(h.relu()) if index else layer(h)
        return h


@final
class PlaneDecoder(nn.Module):
    """f(x; code): values (b, n, outputs) at x (b, n, dimension) of a decoder of x (with its sines and cosines as of
    `encoded`), of the features there, summed over the planes, and of the latent; the code is that of `PlaneEncoder`."""

    def __init__(self, decoder: Decoder, dimension: int, cells: int, frequencies: int = 0) -> None:
        super().__init__()
        self.decoder, self.dimension, self.cells, self.frequencies = decoder, dimension, cells, frequencies
        self.channels = decoder.inputs - dimension * (1 + 2 * frequencies)

    def config(self) -> dict[str, Any]:
        """What `PlaneDecoder(**config)` needs to build the same network."""
        return {
            "decoder": self.decoder, "dimension": self.dimension, "cells": self.cells, "frequencies": self.frequencies,
        }  # fmt: skip

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Values (b, n, outputs) at x (b, n, dimension); codes z (b, l + planes * channels * cells^2)."""
        latent, filled = z[:, : self.decoder.length], z[:, self.decoder.length :]
        parts = filled.view(len(z), -1, self.channels, self.cells, self.cells).unbind(1)
        features = sum(
            F.grid_sample(part, x[:, :, None, list(axes)], padding_mode="border", align_corners=False)[..., 0]
            for part, axes in zip(parts, planes(self.dimension), strict=True)
        )
        assert isinstance(features, Tensor)
        return self.decoder(torch.cat([encoded(x, self.frequencies), features.transpose(1, 2)], -1), latent)
