"""A training: steps of Adam on a network and on the codes of many shapes.

The same seed gives the same bytes, for any number of threads and for one process as for several: the shapes, samples
and dropout of a shard are functions of seed, step and shard; one thread alone computes a shard's gradient; gradients
are added in the order of the shards. So a training that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from isofield.threads import SHARDS, deterministic, parallel_map
from isofield.training.epoch_order import rows_of, steps_of
from isofield.training.learner import Learner, Plan
from isofield.training.processes import Processes
from isofield.training.schedules import rate

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam remembers of a tensor."""


@dataclass(frozen=True)
class StepStats:
    """What a step was like. step: from 1. losses: every term, mean over the shapes. rates: of decoder and codes.
    stopped: whether some process was asked to stop."""

    step: int
    epoch: int
    losses: dict[str, float]
    rates: tuple[float, float]
    stopped: bool


@final
class Training:
    """Where a training stands, in this process."""

    def __init__(self, learner: Learner, plan: Plan, processes: Processes) -> None:
        self.learner, self.plan, self.processes = learner, plan, processes
        self.weights = [weight for weight in learner.module.parameters() if weight.requires_grad]
        self.codes = {shard: learner.codes[shard::SHARDS].clone() for shard in processes.shards}
        self.done, self.seconds = 0, 0.0
        for code in self.codes.values():
            self._bound(code)
            code.grad = torch.zeros_like(code)
        groups: list[dict[str, Any]] = [{"params": self.weights}, {"params": list(self.codes.values())}]
        self.optimizer = torch.optim.Adam(groups, lr=0.0)

    @property
    def epoch(self) -> int:
        """Of the step to come, from 1."""
        return self.done // steps_of(len(self.learner.codes), self.plan.batch) + 1

    def step(self, stop: bool = False) -> StepStats:
        """One step; stop: this process was asked to stop, which all are to know."""
        began, plan, epoch, count = time.perf_counter(), self.plan, self.epoch, len(self.learner.codes)
        rows = [rows_of(self.done, shard, count, plan.batch, plan.seed) for shard in range(SHARDS)]
        number = sum(map(len, rows))
        rates = (
            rate(plan.decoder, self.done, plan.steps, epoch),
            rate(plan.codes, self.done, plan.steps, epoch),
        )
        with deterministic():
            own = list(self.processes.shards)
            vectors = parallel_map(lambda shard: self._shard(shard, rows[shard], number), own)
            told = torch.tensor([float(stop)], device=vectors[0].device)
            total = self.processes.summed({s: torch.cat([v, told]) for s, v in zip(own, vectors, strict=True)})
            sizes = [weight.numel() for weight in self.weights]
            *gradients, terms = total.split([*sizes, len(total) - sum(sizes)])
            for weight, gradient in zip(self.weights, gradients, strict=True):
                weight.grad = gradient.view_as(weight)
            if plan.clip and self.weights:
                torch.nn.utils.clip_grad_norm_(self.weights, plan.clip)
            for group, value in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = value
            self.optimizer.step()
            for code in self.codes.values():
                self._bound(code)
        self.done += 1
        self.seconds += time.perf_counter() - began
        *losses, stopped = terms.tolist()
        return StepStats(
            self.done, epoch, dict(zip(self.learner.terms, losses, strict=True)), rates, bool(stopped)
        )  # fmt: skip

    def _shard(self, shard: int, rows: np.ndarray, number: int) -> Tensor:
        """Sets the gradient of a shard's codes; gives that of the weights and the losses, one vector."""
        random = np.random.default_rng([self.plan.seed, self.done, shard])
        codes = self.codes[shard]
        assert codes.grad is not None
        codes.grad.zero_()
        dropout = torch.Generator(codes.device).manual_seed(int(random.integers(2**62)))
        total = torch.zeros(sum(w.numel() for w in self.weights) + len(self.learner.terms), device=codes.device)
        for part in np.array_split(rows, self.plan.parts):
            if len(part):
                total += self._part(codes, shard, part, number, random, dropout)
        return total

    def _part(
        self, codes: Tensor, shard: int, rows: np.ndarray, number: int, random: np.random.Generator,
        dropout: torch.Generator,
    ) -> Tensor:  # fmt: skip
        samples = [self.learner.draw(int(row) * SHARDS + shard, random) for row in rows]
        points, distance = (torch.from_numpy(np.stack(some)).to(codes.device) for some in zip(*samples, strict=True))
        index = torch.from_numpy(rows).to(codes.device)
        z = codes[index].requires_grad_()
        with torch.autocast(codes.device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"):
            terms = self.learner.losses(z, points, distance, self.epoch, dropout)
        losses = torch.stack([terms[name].float() for name in self.learner.terms]) / number
        *weights, code = torch.autograd.grad(losses.sum(), [*self.weights, z], materialize_grads=True)
        assert codes.grad is not None
        codes.grad[index] = code
        return torch.cat([*(gradient.flatten() for gradient in weights), losses.detach()])

    def _bound(self, codes: Tensor) -> None:
        """Codes that are too long get the longest length, as the table of the released code does when it is read."""
        if self.plan.bound:
            codes *= (self.plan.bound / codes.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1)

    def all_codes(self) -> Tensor:
        """(n, l) of all shapes, on the CPU; all processes ask at once, and the first gets the answer."""
        parts = self.processes.gathered({shard: code.detach().cpu() for shard, code in self.codes.items()})
        codes = torch.empty(self.learner.codes.shape)
        for shard, part in parts.items():
            codes[shard::SHARDS] = part
        return codes

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, on the CPU; all processes ask at once, and the first gets the answer."""
        return {
            "done": self.done,
            "seconds": self.seconds,
            "weights": [weight.detach().cpu().clone() for weight in self.weights],
            "moments": self._moments(self.weights),
            "codes": self.processes.gathered(
                {shard: code.detach().cpu().clone() for shard, code in self.codes.items()}
            ),
            "code_moments": self.processes.gathered(
                {shard: self._moments([code])[0] for shard, code in self.codes.items()}
            ),
        }

    def _moments(self, tensors: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        held = self.optimizer.state
        return [{name: held[t][name].cpu().clone() for name in MOMENTS} if t in held else {} for t in tensors]

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken. Raises KeyError, RuntimeError, TypeError or ValueError for one of another
        training."""
        with torch.no_grad():
            for weight, value in zip(self.weights, state["weights"], strict=True):
                weight.copy_(value)
            for shard, code in self.codes.items():
                code.copy_(state["codes"][shard])
        tensors = [*self.weights, *self.codes.values()]
        moments = [*state["moments"], *(state["code_moments"][shard] for shard in self.codes)]
        for tensor, held in zip(tensors, moments, strict=True):
            if held:
                step = held["step"].clone()
                self.optimizer.state[tensor] = {
                    "step": step, **{n: held[n].clone().to(tensor.device) for n in MOMENTS[1:]}
                }  # fmt: skip
        self.done, self.seconds = int(state["done"]), float(state["seconds"])
