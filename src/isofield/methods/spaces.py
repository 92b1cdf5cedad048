"""The methods that learn a space of shapes, behind what they have in common: a space f(x; z), codes, and a residual."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isofield.adapt import steady
from isofield.configs import AutoDecoderConfig, LinearConfig, SharpenedConfig, SpaceConfig
from isofield.fields.components import Components
from isofield.fields.decoder import Coded, Conditional
from isofield.fields.sharpened import Sharpened
from isofield.methods import linear, searching, sharpened
from isofield.methods.gridding import nodes, smoothed
from isofield.threads import map_lanes
from isofield.types import Evidence

RESIDUAL = LinearConfig(limit=0.1)
"""The residual grid of a space that has no grid of its own; beyond the limit its fields mean nothing."""
NODES = 16_384
"""Nodes of that grid that are evaluated at once."""


def infer(space: nn.Module, known: Sequence[Evidence], codes: Tensor, config: SpaceConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known; codes: (n, l) of the training shapes."""
    match space, config:
        case Components(), LinearConfig():
            with steady():
                return torch.stack(
                    map_lanes(lambda one: linear.solve(space, one.part(0, config.evidence), config)[0], known)
                )
        case Sharpened(), SharpenedConfig():
            return sharpened.infer(space, known, config)
        case Conditional(), AutoDecoderConfig():
            return searching.infer(space, known, codes, config)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def field(space: nn.Module, code: Tensor) -> nn.Module:
    """The field (n, 3) -> (n,) of one code (l,)."""
    match space:
        case Components():
            return smoothed(space.volume(code[None])[0].numpy())
    return Coded(space, code)


def refine(space: nn.Module, known: Evidence, code: Tensor, config: SpaceConfig) -> nn.Module:
    """The field of one code (l,) and of what it lacks of a shape of which this is known."""
    match space, config:
        case Components(), LinearConfig():
            with steady():
                return linear.refine(space, known.part(0, config.detail), code, config)
        case _, AutoDecoderConfig() | SharpenedConfig():
            with steady():
                values = torch.cat(map_lanes(Coded(space, code), nodes(RESIDUAL.cells).split(NODES)))
                start = values.detach().clamp(-RESIDUAL.limit, RESIDUAL.limit).numpy()
                return linear.residual(known.part(0, RESIDUAL.detail), start, RESIDUAL)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")
