"""Spaces of shapes, trained in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from isofield.configs.methods import SPACES, find_method, method_of
from isofield.training import Processes, Trainer
from isofield.types import SdfSamples, Shape


def shapes_of(rows: Sequence[np.ndarray]) -> list[Shape]:
    """Shapes whose samples are rows (n, 4)."""
    return [Shape(samples=SdfSamples(some[:, :3], some[:, 3], None, float((some[:, 3] < 0).mean()))) for some in rows]


def started(config: Any, shapes: Sequence[Shape], seed: int = 0):
    """The space of these settings before its training."""
    method = find_method(method_of(config, SPACES), SPACES).method(config)
    return method.start(shapes, seed, lambda stage, fraction: None)


def trainer(config: Any, shapes: Sequence[Shape], seed: int = 0) -> Trainer:
    """Its training, before the first step."""
    return Trainer(started(config, shapes, seed), shapes, seed, Processes())


def trained(config: Any, shapes: Sequence[Shape], seed: int = 0):
    """The space after its training, and the losses of all steps."""
    one = trainer(config, shapes, seed)
    losses = [stats.losses for stats in one.run()]
    one.space.module.eval().requires_grad_(False)
    one.table.requires_grad_(False)
    return one.space, losses


def codes(space, samples: Sequence[SdfSamples]) -> torch.Tensor:
    """The codes (b, l) of unseen shapes."""
    *_, last = space.infer([Shape(samples=one) for one in samples])
    return last.code
