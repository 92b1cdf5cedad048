"""What the loop is told: what is learned, by which losses, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from isofield.configs import Precision, RateConfig

Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Of shape i, fresh samples: points (n, 3) and distances (n,), float32, as many of every shape."""
Losses = Callable[[Tensor, Tensor, Tensor, int, torch.Generator], dict[str, Tensor]]
"""Of codes (b, l), points (b, n, 3), distances (b, n), in an epoch (from 1), with what decides on dropout: every term,
summed over the shapes; what a term is of one shape must not depend on the others."""


@dataclass(frozen=True)
class Learner:
    """What is learned. module: its parameters that require a gradient. codes: (n, l), one a shape. draw: of samples.
    losses: of some shapes; terms: their names. The sum of the terms, divided by the shapes of a batch, is descended.
    """

    module: nn.Module
    codes: Tensor
    draw: Draw
    losses: Losses
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How it is learned: by Adam, for both groups.

    steps: in all. batch: shapes a step, at most; an epoch goes once through all. decoder, codes: learning rates.
    bound: longest code, 0 for any. clip: largest norm of the module's gradient, 0 for any. parts: of a shard, one after
    the other. snapshots: steps after which the space is kept. keep, log_every: steps between two states, and two
    lines of the log.
    """

    steps: int
    batch: int
    decoder: RateConfig
    codes: RateConfig
    bound: float = 0.0
    clip: float = 0.0
    parts: int = 1
    snapshots: tuple[int, ...] = ()
    keep: int = 1000
    log_every: int = 10
    precision: Precision = "fp32"
    seed: int = 0
