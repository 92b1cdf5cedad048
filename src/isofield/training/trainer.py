"""The training of a space: Adam on its module and its table of codes, over many shapes, whatever the method.

The same seed gives the same bytes, for any number of threads and for one process as for several: shapes, samples and
dropout of a shard are functions of seed, step and shard, and `adapt.descend` adds the shards' gradients in their order.
A training that was stopped resumes as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import descend, rate
from isofield.configs import Training
from isofield.threads import SHARDS, deterministic
from isofield.training.processes import Processes
from isofield.types import Batch, Shape, TrainedSpace, with_parts


@dataclass(frozen=True)
class StepStats:
    """One step. step, epoch: from 1. losses: the terms, means over the shapes. rates: of the network and the codes.
    stopped: whether a process wanted to stop."""

    step: int
    epoch: int
    losses: dict[str, float]
    rates: tuple[float, float]
    stopped: bool


@final
class Trainer:
    """A training of a space that has been started, and where it stands."""

    def __init__(
        self, space: TrainedSpace, shapes: Sequence[Shape], seed: int, processes: Processes, device: str = "cpu"
    ) -> None:
        """space: moved to the device."""
        self.plan: Training = space.config.training
        self.shapes, self.seed, self.processes = shapes, seed, processes
        self.steps_an_epoch = steps_of(len(shapes), self.plan.batch)
        unit = 1 if self.plan.steps else self.steps_an_epoch
        self.steps = self.plan.steps or self.plan.epochs * unit
        self.snapshots, self.keep = [number * unit for number in self.plan.snapshots], self.plan.keep * unit
        self.validate, self.best = self.plan.validate * unit, -1.0
        self.table = space.table.to(device, copy=True)
        self._shorten_codes()
        self.table.requires_grad_(self.plan.code_rate.initial > 0 and self.table.numel() > 0)
        self.space = with_parts(space, space.module, self.table)
        self.weights = [weight for weight in space.module.to(device).parameters() if weight.requires_grad]
        groups = [self.weights, [self.table] if self.table.requires_grad else []]
        betas = (0.9, self.plan.beta2)
        self.optimizer = torch.optim.Adam([{"params": group} for group in groups], lr=0.0, betas=betas)
        self.done, self.seconds = 0, 0.0

    def run(self, asked: Callable[[], bool] = lambda: False) -> Iterator[StepStats]:
        """The steps to the end, or to the first one at which `asked` of some process says to stop."""
        begun, stop = time.perf_counter() - self.seconds, [False]

        def total(vectors: Sequence[Tensor]) -> Tensor:
            *summed, stopped = self.processes.summed([torch.cat([v, v.new_tensor([asked()])]) for v in vectors]).split(
                [len(vectors[0]), 1]
            )
            stop[0] = bool(stopped)
            return summed[0]

        for losses in descend(
            self.optimizer, self._shards, self.rates, self.steps, first=self.done, clip=self.plan.clip, total=total
        ):
            with deterministic():
                self._shorten_codes()
            rates, epoch = self.rates(self.done), self._epoch(self.done)
            self.done, self.seconds = self.done + 1, time.perf_counter() - begun
            yield StepStats(self.done, epoch, losses, rates, stop[0])
            if stop[0]:
                return

    def rates(self, step: int) -> tuple[float, float]:
        """The learning rates of a step: of the network, and of the codes."""
        plan, epoch = self.plan, self._epoch(step)
        return rate(plan.network_rate, step, self.steps, epoch), rate(plan.code_rate, step, self.steps, epoch)

    def _epoch(self, step: int) -> int:
        """From 1."""
        return step // self.steps_an_epoch + 1

    def _stage(self, step: int) -> tuple[int, int]:
        """Shapes of a step, and n, where it takes every n-th sample of them."""
        for steps, batch, every in self.plan.stages:
            if step < steps:
                return batch, every
            step -= steps
        return self.plan.batch, 1

    def _shards(self, step: int) -> list[Callable[[], Iterator[dict[str, Tensor]]]]:
        """This process's shards of a step."""
        batch, _ = self._stage(step)
        rows = [rows_of(step, shard, len(self.shapes), batch, self.seed) for shard in range(SHARDS)]
        number = sum(map(len, rows))
        return [
            partial(self._losses, step, shard, rows[shard] * SHARDS + shard, number) for shard in self.processes.shards
        ]

    def _losses(self, step: int, shard: int, rows: np.ndarray, number: int) -> Iterator[dict[str, Tensor]]:
        """The terms of a shard, divided by the number of shapes of the batch: of one part after the other."""
        random, (_, every) = np.random.default_rng([self.seed, step, shard]), self._stage(step)
        device = self.table.device
        dropout = torch.Generator(device).manual_seed(int(random.integers(2**62)))
        weight = 1.0 if len(rows) else 0.0  # a shard without shapes gives the terms' names, and zeros
        for part in np.array_split(rows, self.plan.parts) if len(rows) else [np.array([0])]:
            if not len(part):
                continue
            drawn = [self.space.draw(self.shapes[row], random) for row in part]
            stacked = {
                name: torch.from_numpy(np.stack([one[name][::every] for one in drawn])).to(device) for name in drawn[0]
            }
            batch = Batch({"row": torch.from_numpy(part).to(device), **stacked}, self._epoch(step), dropout)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"):
                terms = self.space.losses(self.space.init(batch), batch)
            yield {name: weight * value.float() / number for name, value in terms.items()}

    @torch.no_grad()
    def _shorten_codes(self) -> None:
        """Codes that are too long get the longest length, as the released DeepSDF's table does when it is read."""
        bound = self.plan.code_bound
        if bound:
            self.table *= (bound / self.table.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1)

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "done": self.done, "seconds": self.seconds, "best": self.best, "codes": self.table.detach(),
            "weights": [weight.detach() for weight in self.weights], "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Resume where `state` was taken. Raises KeyError, RuntimeError, TypeError or ValueError for the state of
        another training."""
        with torch.no_grad():
            for tensor, value in zip([*self.weights, self.table], [*state["weights"], state["codes"]], strict=True):
                tensor.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.seconds, self.best = int(state["done"]), float(state["seconds"]), float(state["best"])


def steps_of(count: int, batch: int) -> int:
    """Steps of an epoch of `count` shapes, at most `batch` a step."""
    return -(-count // batch)


def rows_of(step: int, shard: int, count: int, batch: int, seed: int) -> np.ndarray:
    """The rows in `shard` of the shapes of a step; an epoch has every shape once, in an order of its own."""
    steps = steps_of(count, batch)
    epoch, at = divmod(step, steps)
    order = _order(len(range(shard, count, SHARDS)), seed, epoch, shard)
    # The shards' orders, interleaved, are the order of the epoch; the step takes a piece of that.
    start, stop = (-(-(piece * count // steps - shard) // SHARDS) for piece in (at, at + 1))
    return order[start:stop]


@lru_cache(maxsize=2 * SHARDS)
def _order(count: int, seed: int, epoch: int, shard: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch, shard]).permutation(count)
