"""Batches for `descend`: functions from a step's number to a `Batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from isofield.types import Batch, SdfSamples

Batches = Callable[[int], Batch]
BLOCK = 32
"""Steps whose samples are drawn at once."""


def tensor(array: np.ndarray, device: str) -> Tensor:
    """An array as float32 on a device."""
    return torch.as_tensor(array, dtype=torch.float32, device=device)


def fresh(draw: Callable[[int], Mapping[str, np.ndarray]], count: int, device: str) -> Batches:
    """Batches of `count` new samples a step: `draw(n)` gives arrays of n rows each, by name."""
    block: dict[str, Tensor] = {}

    def batch(step: int) -> Batch:
        if step % BLOCK == 0:
            for name, array in draw(BLOCK * count).items():
                block[name] = tensor(array, device).unflatten(0, (BLOCK, count))
        return Batch({name: part[step % BLOCK] for name, part in block.items()}, step + 1)

    return batch


def rows(tensors: Mapping[str, Tensor], count: int, random: np.random.Generator) -> Batches:
    """Batches of `count` random rows of tensors (n, ...) of equal length."""
    some = next(iter(tensors.values()))

    def batch(step: int) -> Batch:
        chosen = torch.from_numpy(random.integers(len(some), size=count)).to(some.device)
        return Batch({name: tensor[chosen] for name, tensor in tensors.items()}, step + 1)

    return batch


def joined(*batches: Batches) -> Batches:
    """The tensors of several batches, in one."""

    def batch(step: int) -> Batch:
        parts = [one(step) for one in batches]
        return Batch({name: value for part in parts for name, value in part.tensors.items()}, step + 1)

    return batch


def balanced(samples: SdfSamples, count: int, random: np.random.Generator, device: str) -> Batches:
    """Batches of `count` random samples of a shape, half of them inside where some are: "points", "distance", and
    "free" where the samples have that."""
    tensors = {"points": tensor(samples.points, device), "distance": tensor(samples.distance, device)}
    if samples.free is not None:
        tensors["free"] = torch.as_tensor(samples.free, device=device)
    inside = tensors["distance"] < 0
    sides = [side for side in (torch.nonzero(inside)[:, 0], torch.nonzero(~inside)[:, 0]) if len(side)]

    def batch(step: int) -> Batch:
        size = count // len(sides)
        drawn = [side[torch.from_numpy(random.integers(len(side), size=size)).to(device)] for side in sides]
        index = torch.cat(drawn)
        return Batch({name: values[index] for name, values in tensors.items()}, step + 1)

    return batch
