"""Adapting a code to samples by descending an objective.

One loop serves the weights of one shape, the code of an unseen shape, and a network with the codes of many shapes. The
same seed gives the same bytes for any number of threads: a batch is cut into a fixed number of shards, one thread alone
computes the gradient of a shard, and the gradients are added in the order of the shards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from isofield.adapt.batches import Batches
from isofield.configs import Optim, Schedule
from isofield.threads import SHARDS, deterministic, parallel_map
from isofield.types import Batch

Losses = Mapping[str, Tensor]
Shard = Callable[[], Iterable[Losses]]
"""The terms of the objective of a shard, scalars by name: of each of its parts, one part after the other."""


def descend(
    optimizer: torch.optim.Optimizer,
    shards: Callable[[int], Sequence[Shard]],
    rates: Callable[[int], Sequence[float]],
    steps: int,
    *,
    first: int = 0,
    clip: float = 0.0,
    total: Callable[[Sequence[Tensor]], Tensor] | None = None,
) -> Iterator[dict[str, float]]:
    """Steps of an optimizer on the sum of all shards' terms; yields the terms, by name, after each of them.

    shards: of a step. rates: the learning rates of a step, one for each of the optimizer's groups. first: the step to
    begin at. clip: largest norm of the gradient of the first group; 0 for no bound. total: the sum of the shards'
    vectors (gradients, then terms), where other processes have shards, too. Between the yields torch's settings are the
    caller's own.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    sizes = [weight.numel() for weight in weights]
    for step in range(first, steps):
        with deterministic():
            results = parallel_map(partial(_differentiate, weights), shards(step))
            vectors = [vector for vector, _ in results]
            whole = (total or summed)(vectors)
            *gradients, terms = whole.split([*sizes, len(whole) - sum(sizes)])
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient.view_as(weight)
            if clip:
                torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], clip)
            for group, value in zip(optimizer.param_groups, rates(step), strict=True):
                group["lr"] = value
            optimizer.step()
            losses = dict(zip(results[0][1], terms.tolist(), strict=True))
        yield losses


def _differentiate(weights: Sequence[Tensor], shard: Shard) -> tuple[Tensor, list[str]]:
    """The gradients of a shard and its terms as one vector, and the terms' names."""
    vector, names = None, list[str]()
    for losses in shard():
        free = [value for value in losses.values() if value.requires_grad]  # not the prior of codes that stay
        gradients = torch.autograd.grad(free, weights, materialize_grads=True)
        terms = torch.stack([value.detach().float() for value in losses.values()])
        part = torch.cat([*(gradient.flatten() for gradient in gradients), terms])
        vector, names = part if vector is None else vector + part, list(losses)
    assert vector is not None
    return vector, names


def summed(vectors: Sequence[Tensor]) -> Tensor:
    """The sum of vectors, in their order."""
    total = vectors[0].clone()
    for vector in vectors[1:]:
        total += vector
    return total


def descend_batches(
    losses: Callable[[Batch], Losses], parameters: Iterable[Tensor], batches: Batches, optim: Optim
) -> Iterator[dict[str, float]]:
    """Adam on the mean of `losses` over batches; yields the terms after each step.

    losses: of a part of a batch, means over its rows. On an accelerator a batch is one shard.
    """
    weights = [parameter for parameter in parameters if parameter.requires_grad]
    optimizer = torch.optim.Adam(weights, betas=(0.9, 0.99), fused=True)
    count = SHARDS if weights[0].device.type == "cpu" else 1

    def shards(step: int) -> list[Shard]:
        batch = batches(step)
        return [partial(_terms, losses, part, len(part) / len(batch)) for part in split(batch, count) if len(part)]

    return descend(optimizer, shards, lambda step: [rate(optim.rate, step, optim.steps)], optim.steps)


def descend_code(
    objective: Callable[[Tensor, Batch], Losses], code: Tensor, batches: Batches, rates: Sequence[float]
) -> Tensor:
    """A code after steps of Adam from `code` at these rates, each on one batch."""
    code = code.clone().requires_grad_()

    def shards(step: int) -> list[Shard]:
        return [lambda: [objective(code, batches(step))]]

    optimizer = torch.optim.Adam([code], lr=0.0)
    for _ in descend(optimizer, shards, lambda step: [rates[step]], len(rates)):
        pass
    return code.detach()


def split(batch: Batch, count: int) -> list[Batch]:
    """A batch in `count` parts of about equal length; some are empty where it has fewer rows."""
    cut = {name: tensor.tensor_split(count) for name, tensor in batch.tensors.items()}
    return [Batch({name: parts[i] for name, parts in cut.items()}, batch.epoch, batch.random) for i in range(count)]


def _terms(losses: Callable[[Batch], Losses], batch: Batch, share: float) -> list[Losses]:
    return [{name: value * share for name, value in losses(batch).items()}]


def rate(schedule: Schedule, step: int, steps: int, epoch: int | None = None) -> float:
    """The learning rate of `step` (from 0) of `steps`, in `epoch` (from 1; None: a step is an epoch)."""
    epoch = step + 1 if epoch is None else epoch
    match schedule.kind:
        case "step":
            return float(schedule.initial * schedule.factor ** (epoch // schedule.every))
        case "warmup":
            done = min(epoch / schedule.every, 1.0)
            return schedule.initial + (schedule.final - schedule.initial) * done
        case "cosine":
            done = (step + 1) / steps
            if done < schedule.warm_up:
                return schedule.initial * done / schedule.warm_up
            fall = (done - schedule.warm_up) / (1 - schedule.warm_up)
            return schedule.final + (schedule.initial - schedule.final) * 0.5 * (1 + math.cos(math.pi * fall))
    return schedule.initial


def cosine_rates(initial: float, steps: int) -> list[float]:
    """The rates of all steps of a cosine from `initial` that would reach 0 at the step after the last."""
    return [rate(Schedule(initial, "cosine"), step - 1, steps) for step in range(steps)]
