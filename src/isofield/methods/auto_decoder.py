"""DeepSDF's auto-decoder: Park, Florence, Straub, Newcombe and Lovegrove, "DeepSDF: Learning Continuous Signed Distance
Functions for Shape Representation", CVPR 2019, sections 4 and 5.

One network f and one code z_i for each shape i are learned together (eq. 9); from a code alone f gives the distances:

    argmin_{theta, z}  mean_i ( mean_j | clamp(f(x_ij; z_i)) - clamp(s_ij) |  +  lambda ramp |z_i| ),
    clamp(v) = min(delta, max(-delta, v))

over samples x_ij of signed distance s_ij, half of them inside (eq. 4), with codes that begin as N(0, (std^2 / l) I) and
are no longer than a bound. ramp = min(1, epoch / 100) and |z| without a square are the released code's; the paper has
|z|^2 / sigma^2 (`squared`). The code of an unseen shape is found by the same descent on z alone (`searching`).

What differs from the released code:

* an epoch has all shapes, none is dropped where the batch does not divide their number;
* the samples of a shape are a window of its rows, which are in random order; where a side has too few of them they
  repeat, and a shape with none on one side is refused before;
* both sums are means over the shapes of a batch, so that `parts` and several processes change nothing;
* `saturating` is eq. 4; without it a value beyond the clamp is led back where the truth is not there: a small network
  that begins beyond the clamp would learn nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.configs import DeepSdfConfig
from isofield.fields.decoder import Conditional, Decoder
from isofield.losses.signed import clamped, unsaturated_clamped_l1
from isofield.training import Learner, Plan
from isofield.training.epoch_order import steps_of
from isofield.training.learner import Draw

SLACK = 1.5
"""A window has so many times the rows that are expected to hold the samples of a side."""
TERMS = ("distance", "prior")
"""The losses, by name."""

Rows = Callable[[int], np.ndarray]
"""Of shape i all samples (n, 4), x, y, z and signed distance, in random order."""


def network(config: DeepSdfConfig, seed: int) -> Decoder:
    """The network of the settings. Raises ValueError for layers that do not fit together."""
    return Decoder(
        config.length, config.dims, config.latent_in, norm_layers=config.norm_layers, weight_norm=config.weight_norm,
        dropout=config.dropout, dropout_prob=config.dropout_prob, xyz_in_all=config.xyz_in_all,
        latent_dropout=config.latent_dropout, use_tanh=config.use_tanh,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip


def first_codes(count: int, config: DeepSdfConfig, seed: int) -> Tensor:
    """Codes (count, l) as they begin, |z| about `code_std`."""
    random = torch.Generator().manual_seed(seed + 1)
    return torch.randn(count, config.length, generator=random) * (config.code_std / math.sqrt(config.length))


def plan(config: DeepSdfConfig, count: int, seed: int) -> Plan:
    """The settings as numbers of steps, for so many shapes."""
    unit = 1 if config.steps else steps_of(count, config.batch)
    return Plan(
        config.steps or config.epochs * unit, config.batch, config.decoder_rate, config.code_rate, config.code_bound,
        config.clip, config.parts, tuple(number * unit for number in config.snapshots), config.keep * unit,
        config.log_every, config.precision, seed,
    )  # fmt: skip


def learner(module: nn.Module, codes: Tensor, rows: Rows, inside: Sequence[float], config: DeepSdfConfig) -> Learner:
    """What is learned: a network with `condition` and `decode` (`fields.decoder`), and codes (n, l).

    inside: of each shape the share of its samples that is inside, about.
    """
    loss = clamped if config.saturating else unsaturated_clamped_l1
    network = cast(Conditional, module)
    decode = torch.compile(network.decode) if config.compile else network.decode

    def losses(z: Tensor, x: Tensor, s: Tensor, epoch: int, random: torch.Generator) -> dict[str, Tensor]:
        value = decode(x, network.condition(z, random), random)
        ramp = min(1.0, epoch / config.prior_warm_up) if config.prior_warm_up else 1.0
        lengths = z.square().sum(1) if config.squared else z.norm(dim=1)
        return {
            "distance": len(z) * loss(value.float().flatten(), s.flatten(), config.clamp),
            "prior": config.prior * ramp * lengths.sum(),
        }

    return Learner(module, codes, drawing(rows, inside, config.samples), losses, TERMS)


def drawing(rows: Rows, inside: Sequence[float], count: int) -> Draw:
    """Fresh samples of shapes, half of them inside; inside: of each shape the share that is, about."""

    def draw(shape: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn = balanced(rows(shape), inside[shape], count, random)
        return drawn[:, :3], drawn[:, 3]

    return draw


def balanced(rows: np.ndarray, inside: float, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 4) float32, half of them inside, out of rows (n, 4) of which about the share `inside` is inside.

    Raises ValueError where a side has none.
    """
    half = count // 2
    sides = (True, half), (False, count - half)
    return np.concatenate([side_of(rows, negative, inside, number, random) for negative, number in sides])


def side_of(rows: np.ndarray, negative: bool, inside: float, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 4) float32 rows of one side, out of a window at a random place; rows repeat where there are too few."""
    share = inside if negative else 1 - inside
    size = min(len(rows), math.ceil(SLACK * count / share) + 16 if share > 0 else len(rows))
    start = int(random.integers(len(rows) - size + 1))
    for window in (rows[start : start + size], rows):
        part = np.asarray(window, np.float32)
        part = part[(part[:, 3] < 0) if negative else (part[:, 3] >= 0)]
        if len(part) >= count:
            return part[:count]
    if not len(part):
        raise ValueError(f"no sample {'inside' if negative else 'outside'}")
    return part[random.integers(len(part), size=count)]
