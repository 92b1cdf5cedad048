"""The methods that learn a space of shapes, behind what they have in common: a space f(x; z), codes, and a residual."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import deterministic
from isofield.configs import DeepSdfConfig, LinearConfig, PcaMlpConfig, SpaceConfig
from isofield.errors import InputError
from isofield.fields.decoder import Conditional, LatentField
from isofield.fields.pca_grid import PcaGrid
from isofield.fields.pca_mlp import PcaMlp
from isofield.methods import linear, pose_estimation, searching, sharpened
from isofield.methods.grid_fit import nodes, smoothed
from isofield.threads import parallel_map
from isofield.types import Pose, SdfSamples

RESIDUAL = LinearConfig(limit=0.1)
"""The residual grid of a space that has no grid of its own; beyond the limit its fields mean nothing."""
NODES = 16_384
"""Nodes of that grid that are evaluated at once."""


def infer(space: nn.Module, known: Sequence[SdfSamples], codes: Tensor, config: SpaceConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known; codes: (n, l) of the training shapes."""
    match space, config:
        case PcaGrid(), LinearConfig():
            with deterministic():
                return torch.stack(
                    parallel_map(lambda one: linear.solve(space, one.part(0, config.evidence), config)[0], known)
                )
        case PcaMlp(), PcaMlpConfig():
            return sharpened.infer(space, known, config)
        case Conditional(), DeepSdfConfig():
            return searching.infer(space, known, codes, config)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def field(space: nn.Module, code: Tensor) -> nn.Module:
    """The field (n, 3) -> (n,) of one code (l,)."""
    match space:
        case PcaGrid():
            return smoothed(space.volume(code[None])[0].numpy())
    return LatentField(space, code)


def refine(space: nn.Module, known: SdfSamples, code: Tensor, config: SpaceConfig) -> nn.Module:
    """The field of one code (l,) and of what it lacks of a shape of which this is known."""
    match space, config:
        case PcaGrid(), LinearConfig():
            with deterministic():
                return linear.refine(space, known.part(0, config.detail), code, config)
        case _, DeepSdfConfig() | PcaMlpConfig():
            with deterministic():
                values = torch.cat(parallel_map(LatentField(space, code), nodes(RESIDUAL.cells).split(NODES)))
                start = values.detach().clamp(-RESIDUAL.limit, RESIDUAL.limit).numpy()
                return linear.residual(known.part(0, RESIDUAL.detail), start, RESIDUAL)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def complete(
    space: nn.Module, known: SdfSamples, codes: Tensor, config: SpaceConfig, count: int, random: torch.Generator
) -> Tensor:
    """Codes (count, l) of a shape of which a part is known: the most probable one, and draws of the posterior.

    codes: (n, l) of the training shapes, which say what a shape is where nothing was seen.
    """
    match space, config:
        case PcaGrid(), LinearConfig():
            with deterministic():
                return linear.complete(space, known, codes, config, count, random)
        case PcaMlp(), PcaMlpConfig():
            with deterministic():
                return linear.complete(space.coarse, known, codes, config.linear, count, random)
        case Conditional(), DeepSdfConfig():
            if count > 1:
                raise InputError("a decoder's codes have no posterior to draw from: leave --samples out.")
            return searching.infer(space, [known], codes, config)
    raise TypeError(f"{type(space).__name__} is no space of {type(config).__name__}")


def poser(space: nn.Module, codes: Tensor, turned: float, similar: bool, whole: bool) -> Callable[[SdfSamples], Pose]:
    """What finds how shapes stand that are turned by at most `turned` degrees; similar: and what their scale is.
    whole: all of their surface was seen.

    codes: (n, l) of training shapes. The search asks a space for these alone, whatever it is (`methods.pose_estimation`).
    """
    side = pose_estimation.CELLS + 1
    points = nodes(pose_estimation.CELLS)[None]
    grids = np.empty((len(codes), side, side, side), np.float32)

    def grid(row: int) -> None:
        with torch.no_grad():
            grids[row] = (
                space(points, codes[row : row + 1])
                .view(side, side, side)
                .clamp(-pose_estimation.LIMIT, pose_estimation.LIMIT)
            )

    with deterministic():
        parallel_map(grid, range(len(codes)))
    return pose_estimation.poser(grids, turned, similar, whole)
