"""Batches for `descend`: functions from a step's number to the tensors of its batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Batch = Callable[[int], Sequence[Tensor]]
BLOCK = 32
"""Steps whose samples are drawn at once."""


def tensor(array: np.ndarray, device: str) -> Tensor:
    """An array as float32 on a device."""
    return torch.as_tensor(array, dtype=torch.float32, device=device)


def fresh(draw: Callable[[int], Sequence[np.ndarray]], count: int, device: str) -> Batch:
    """Batches of `count` rows of new samples each step: `draw(n)` gives arrays of n rows each."""
    block: list[Tensor] = []

    def batch(step: int) -> Sequence[Tensor]:
        if step % BLOCK == 0:
            block[:] = [tensor(array, device).unflatten(0, (BLOCK, count)) for array in draw(BLOCK * count)]
        return [part[step % BLOCK] for part in block]

    return batch


def rows(tensors: Sequence[Tensor], count: int, random: np.random.Generator) -> Batch:
    """Batches of `count` random rows of tensors (n, ...) of equal length."""

    def batch(step: int) -> Sequence[Tensor]:
        chosen = torch.from_numpy(random.integers(len(tensors[0]), size=count)).to(tensors[0].device)
        return [tensor[chosen] for tensor in tensors]

    return batch


def joined(*batches: Batch) -> Batch:
    """The tensors of several batches, one after the other."""
    return lambda step: [tensor for batch in batches for tensor in batch(step)]
