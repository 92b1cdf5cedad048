"""The methods that learn a space of shapes, behind what they have in common: a space f(x; z), codes, and a residual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import steady
from isofield.configs import LinearConfig, SpaceConfig
from isofield.fields.components import Components
from isofield.methods import linear, posing
from isofield.methods.gridding import smoothed
from isofield.threads import map_lanes
from isofield.types import Evidence, Pose


def infer(space: nn.Module, known: Sequence[Evidence], codes: Tensor, config: SpaceConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known; codes: (n, l) of the training shapes."""
    match space, config:
        case Components(), LinearConfig():
            with steady():
                return torch.stack(
                    map_lanes(lambda one: linear.solve(space, one.part(0, config.evidence), config)[0], known)
                )
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def field(space: nn.Module, code: Tensor) -> nn.Module:
    """The field (n, 3) -> (n,) of one code (l,)."""
    match space:
        case Components():
            return smoothed(space.volume(code[None])[0].numpy())
    raise TypeError(f"{type(space).__name__} is no space")


def refine(space: nn.Module, known: Evidence, code: Tensor, config: SpaceConfig) -> nn.Module:
    """The field of one code (l,) and of what it lacks of a shape of which this is known."""
    match space, config:
        case Components(), LinearConfig():
            with steady():
                return linear.refine(space, known.part(0, config.detail), code, config)
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
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def poser(
    space: nn.Module, codes: Tensor, turned: float, similar: bool, whole: bool
) -> Callable[[Evidence], Pose]:
    """What finds how shapes stand that are turned by at most `turned` degrees; similar: and what their scale is.
    whole: all of their surface was seen.

    codes: (n, l) of training shapes. The search asks a space for these alone, whatever it is (`methods.posing`).
    """
    side = posing.CELLS + 1
    line = torch.linspace(-1, 1, side)
    nodes = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).view(1, -1, 3)
    grids = np.empty((len(codes), side, side, side), np.float32)

    def grid(row: int) -> None:
        with torch.no_grad():
            grids[row] = space(nodes, codes[row : row + 1]).view(side, side, side).clamp(-posing.LIMIT, posing.LIMIT)

    with steady():
        map_lanes(grid, range(len(codes)))
    return posing.poser(grids, turned, similar, whole)
