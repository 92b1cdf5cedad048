"""The methods that learn a space of shapes, behind what they have in common: a space f(x; z), codes, and a residual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import steady
from isofield.configs import AutoDecoderConfig, LinearConfig, SharpenedConfig, SpaceConfig
from isofield.errors import InputError
from isofield.fields.components import Components
from isofield.fields.decoder import Coded, Conditional
from isofield.fields.sharpened import Sharpened
from isofield.methods import linear, posing, searching, sharpened
from isofield.methods.gridding import nodes, smoothed
from isofield.threads import map_lanes
from isofield.types import Evidence, Pose

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


def complete(
    space: nn.Module, known: Evidence, codes: Tensor, config: SpaceConfig, count: int, random: torch.Generator
) -> Tensor:
    """Codes (count, l) of a shape of which a part is known: the most probable one, and draws of the posterior.

    codes: (n, l) of the training shapes, which say what a shape is where nothing was seen.
    """
    match space, config:
        case Components(), LinearConfig():
            with steady():
                return linear.complete(space, known, codes, config, count, random)
        case Sharpened(), SharpenedConfig():
            with steady():
                return linear.complete(space.coarse, known, codes, config.linear, count, random)
        case Conditional(), AutoDecoderConfig():
            if count > 1:
                raise InputError("a decoder's codes have no posterior to draw from: leave --samples out.")
            return searching.infer(space, [known], codes, config)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def poser(space: nn.Module, codes: Tensor, turned: float, similar: bool, whole: bool) -> Callable[[Evidence], Pose]:
    """What finds how shapes stand that are turned by at most `turned` degrees; similar: and what their scale is.
    whole: all of their surface was seen.

    codes: (n, l) of training shapes. The search asks a space for these alone, whatever it is (`methods.posing`).
    """
    side = posing.CELLS + 1
    points = nodes(posing.CELLS)[None]
    grids = np.empty((len(codes), side, side, side), np.float32)

    def grid(row: int) -> None:
        with torch.no_grad():
            grids[row] = space(points, codes[row : row + 1]).view(side, side, side).clamp(-posing.LIMIT, posing.LIMIT)

    with steady():
        map_lanes(grid, range(len(codes)))
    return posing.poser(grids, turned, similar, whole)
