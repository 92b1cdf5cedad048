"""A compact space: a linear space on a coarse grid, and a small network that sharpens what the grid blurs.

The linear space (`methods.linear`) is learned first and stays as it is, with its codes z_i. Then the network g of

    f(x; z) = V(x; z) + 0.1 g(V around x, x, z)

(`fields.pca_mlp`) learns DeepSDF's clamped distances (Park et al. 2019, eq. 4) over all shapes, half of the samples
inside. g sees the volume V around a point, not the code alone: what it learns of a blurred edge of one shape it knows
of every edge. So it holds for codes of unseen shapes, which the linear space finds by a convex problem; a short descent
on z through f goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from isofield.adapt import deterministic
from isofield.configs import PcaMlpConfig, RateConfig
from isofield.fields.pca_mlp import PcaMlp
from isofield.losses.signed import clamped
from isofield.methods import linear, searching
from isofield.methods.auto_decoder import Rows, drawing
from isofield.threads import parallel_map
from isofield.training import Learner, Plan
from isofield.types import ProgressCallback, SdfSamples


def network(rows: Rows, count: int, config: PcaMlpConfig, seed: int, tell: ProgressCallback) -> tuple[PcaMlp, Tensor]:
    """The linear space of `count` shapes with a network on it that says nothing yet, and the codes (count, l)."""
    coarse, codes = linear.learn(linear.known_of(rows), count, config.linear, tell)
    return PcaMlp(coarse, config.dims, config.lead, torch.Generator().manual_seed(seed)), codes


def plan(config: PcaMlpConfig, seed: int) -> Plan:
    """The settings of the descent; the codes stay."""
    return Plan(
        config.steps, config.batch, config.decoder_rate, RateConfig(0.0), 0.0, config.clip, config.parts,
        config.snapshots, config.keep, config.log_every, config.precision, seed,
    )  # fmt: skip


def learner(space: PcaMlp, codes: Tensor, rows: Rows, inside: Sequence[float], config: PcaMlpConfig) -> Learner:
    """What is learned: the network alone. inside: of each shape the share of its samples that is inside, about."""

    def losses(z: Tensor, x: Tensor, s: Tensor, epoch: int, random: torch.Generator) -> dict[str, Tensor]:
        value = space(x, z.detach())  # codes stay as they are: without them the volume needs no gradient
        return {"distance": len(z) * clamped(value.float(), s, config.clamp)}

    return Learner(space, codes, drawing(rows, inside, config.samples), losses, ("distance",))


def infer(space: PcaMlp, known: Sequence[SdfSamples], config: PcaMlpConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known: those of the linear space, and a short descent."""
    rates = searching.cosine_schedule(config.infer_rate, config.infer_steps)

    def found(one: SdfSamples) -> Tensor:
        start = linear.solve(space.coarse, one.part(0, config.linear.evidence), config.linear)[0]
        draw = searching.draws(one, config.infer_samples)
        return searching.descended(space, draw, start, rates, lambda value, s, z: clamped(value, s, config.clamp))

    with deterministic():
        return torch.stack(parallel_map(found, known))
