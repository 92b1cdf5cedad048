"""A compact space: a linear space on a coarse grid, and a small network that sharpens what the grid blurs.

The linear space (`methods.linear`) is learned first and stays as it is, with its codes z_i. Then the network g of

    f(x; z) = V(x; z) + 0.1 g(V around x, x, z)

(`fields.sharpened`) learns DeepSDF's clamped distances (Park et al. 2019, eq. 4) over all shapes, half of the samples
inside. g sees the volume V around a point, not the code alone: what it learns of a blurred edge of one shape it knows
of every edge. So it holds for codes of unseen shapes, which the linear space finds by a convex problem; a short descent
on z through f goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import steady
from isofield.configs import RateConfig, SharpenedConfig
from isofield.fields.components import Components
from isofield.fields.sharpened import Sharpened
from isofield.losses.signed import clamped
from isofield.methods import linear
from isofield.methods.auto_decoder import Rows, balanced
from isofield.methods.searching import draws
from isofield.threads import map_lanes
from isofield.training import Learner, Plan
from isofield.types import Evidence, Progress


def network(rows: Rows, count: int, config: SharpenedConfig, seed: int, tell: Progress) -> tuple[Sharpened, Tensor]:
    """The linear space of `count` shapes with a network on it that says nothing yet, and the codes (count, l)."""

    def known(shape: int, number: int) -> Evidence:
        some = np.array(rows(shape)[:number], np.float32)
        return Evidence(some[:, :3], some[:, 3])

    coarse, codes = linear.learn(known, count, config.linear, tell)
    return Sharpened(coarse, config.dims, config.lead, torch.Generator().manual_seed(seed)), codes


def plan(config: SharpenedConfig, seed: int) -> Plan:
    """The settings of the descent; the codes stay."""
    return Plan(
        config.steps, config.batch, config.decoder_rate, RateConfig(0.0), 0.0, config.clip, config.parts,
        config.snapshots, config.keep, config.log_every, config.precision, seed,
    )  # fmt: skip


def learner(space: Sharpened, codes: Tensor, rows: Rows, inside: Sequence[float], config: SharpenedConfig) -> Learner:
    """What is learned: the network alone. inside: of each shape the share of its samples that is inside, about."""

    def draw(shape: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        some = balanced(rows(shape), inside[shape], config.samples, random)
        return some[:, :3], some[:, 3]

    def losses(z: Tensor, x: Tensor, s: Tensor, epoch: int, random: torch.Generator) -> dict[str, Tensor]:
        value = space(x, z.detach())  # codes stay as they are: without them the volume needs no gradient
        return {"distance": len(z) * clamped(value.float(), s, config.clamp)}

    return Learner(space, codes, draw, losses, ("distance",))


def infer(space: Sharpened, known: Sequence[Evidence], config: SharpenedConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known."""
    with steady():
        return torch.stack(map_lanes(lambda one: _found(space, space.coarse, one, config), known))


def _found(space: Sharpened, coarse: Components, known: Evidence, config: SharpenedConfig) -> Tensor:
    """The code (l,) of one shape: that of the linear space, then Adam at a rate that falls to 0 by a cosine."""
    start = linear.solve(coarse, known.part(0, config.linear.evidence), config.linear)[0]
    z = start[None].clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=config.infer_rate, betas=(0.9, 0.99))
    random, draw = np.random.default_rng(0), draws(known, config.infer_samples)
    for step in range(config.infer_steps):
        optimizer.param_groups[0]["lr"] = config.infer_rate * 0.5 * (1 + math.cos(math.pi * step / config.infer_steps))
        x, s, free = draw(random)
        value = space(x[None], z)[0]
        if free is not None:  # it is known to be at least so far away, and no more
            s = torch.where(free, torch.maximum(s, value.detach()), s)
        (z.grad,) = torch.autograd.grad(clamped(value, s, config.clamp), [z])
        optimizer.step()
    return z.detach()[0]
