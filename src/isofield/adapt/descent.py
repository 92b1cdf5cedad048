"""Adapting a code to samples by descending an objective: for one shape the code is the network's weights.

The same seed gives the same bytes for any number of threads: each batch is cut into a fixed number of shards, one
thread alone computes a shard's loss and gradient, and the gradients are added in the order of the shards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from isofield.threads import SHARDS, deterministic, parallel_map, products_are_exact

__all__ = ["SHARDS", "descend", "deterministic", "products_are_exact", "rate"]


def rate(step: int, steps: int, warm_up: float, final: float) -> float:
    """Factor on the learning rate at `step` of `steps`: a rise over the `warm_up` part, then a fall to `final`."""
    done = (step + 1) / steps
    if done < warm_up:
        return done / warm_up
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def descend(
    objective: Callable[..., Tensor],
    parameters: Iterable[Tensor],
    batch: Callable[[int], Sequence[Tensor]],
    steps: int,
    *,
    learning_rate: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.99),
    warm_up: float = 0.0,
    final: float = 0.01,
) -> Iterator[float]:
    """Adam on `objective` over batches; yields the loss after each of `steps` steps.

    objective: called with the tensors of a part of a batch, gives its mean loss (a scalar). batch: from the step's
    number to the tensors of its batch, each of equal length. warm_up: part of the steps over which the rate rises
    linearly; afterwards it falls by a cosine to `final` of `learning_rate`. Between the yields torch's settings are
    the caller's own. On an accelerator a batch is one shard.
    """
    weights = [parameter for parameter in parameters if parameter.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=learning_rate, betas=betas, fused=True)
    shards = SHARDS if weights[0].device.type == "cpu" else 1

    def differentiate(shard: tuple[float, Sequence[Tensor]]) -> tuple[float | Tensor, tuple[Tensor, ...]]:
        part, tensors = shard
        loss = objective(*tensors) * part
        return loss.detach(), torch.autograd.grad(loss, weights, materialize_grads=True)

    for step in range(steps):
        with deterministic():
            tensors = batch(step)
            cut = zip(*(tensor.tensor_split(shards) for tensor in tensors), strict=True)
            parts = [(len(shard[0]) / len(tensors[0]), shard) for shard in cut if len(shard[0])]
            results = parallel_map(differentiate, parts)
            for index, weight in enumerate(weights):
                weight.grad = results[0][1][index]
                for _, gradients in results[1:]:
                    weight.grad += gradients[index]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * rate(step, steps, warm_up, final)
            optimizer.step()
            loss = float(sum(loss for loss, _ in results))
        yield loss
