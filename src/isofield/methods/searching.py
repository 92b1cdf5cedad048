"""The code of an unseen shape in a learned space: by Adam, as DeepSDF was published, or by Levenberg and Marquardt.

    argmin_z  mean_j | clamp(f(x_j; z)) - clamp(s_j) |  +  ridge mean z^2

DeepSDF (Park et al. 2019, eq. 10) descends with Adam from a code near 0: 800 steps of 8 000 fresh samples. Here the
problem can also be seen as nonlinear least squares with few unknowns (Levenberg 1944, Marquardt 1963): with the
residuals e_j, their Jacobian J by the code, and weights w_j = 1 / (|e_j| + c), which make squares of absolute values
(iteratively reweighted, Holland and Welsch 1977), each round solves

    (J' W J / m + (ridge + mu) I) step = -(J' W e / m + ridge z)

and takes the step where the loss falls; mu follows. A sample of which truth and value are beyond the clamp on the same
side has no weight, one that is free has none where the value is far enough. The rounds begin at the training codes
that explain the shape best, several at once; of what they reach, the one with the least loss on samples that were held
out goes through a short Adam, if that makes it better.

The samples, and the first code, are drawn from the same seed for every shape: what is found does not depend on what
else is looked for at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import deterministic
from isofield.configs import DeepSdfConfig
from isofield.fields.decoder import Conditional
from isofield.losses.signed import clamped, unsaturated_clamped_l1
from isofield.threads import parallel_map
from isofield.types import SdfSamples

SHARP = 0.003
"""Errors below this weigh alike (`adapt.robust`)."""
GLANCE = 256
"""Samples by which every training code is judged first."""
DAMPING = (1e-3, 1e-7, 1e3)
"""The damping mu, as a share of the mean curvature: at first, at least, at most."""
SOFTER, HARDER = 0.3, 5.0
"""What it is multiplied by after a step that was taken, and one that was not."""
AT_ONCE = 65_536
"""Values that one pass of a network computes."""

Sample = tuple[Tensor, Tensor, Tensor | None]
"""Points (m, 3), distances (m,), and which are only known to be free (m,), if any."""
Draw = Callable[[np.random.Generator], Sample]


def infer(module: Conditional, known: Sequence[SdfSamples], codes: Tensor, config: DeepSdfConfig) -> Tensor:
    """The codes (b, l) of shapes of which this is known. codes: (n, l) of the training shapes."""

    def one(shape: SdfSamples) -> Tensor:
        if config.infer_by == "lm":
            return by_squares(module, shape, codes, config)
        return by_adam(module, shape, codes.shape[1], config)

    with deterministic():
        return torch.stack(parallel_map(one, known))


def by_adam(module: Conditional, known: SdfSamples, length: int, config: DeepSdfConfig) -> Tensor:
    """The code (length,) of one shape: Adam from near 0, at a rate that falls to a tenth at half of the steps."""
    z = torch.randn(length, generator=torch.Generator().manual_seed(0)) * config.infer_std
    steps = config.infer_steps
    rates = [config.infer_rate * (1.0 if step < steps // 2 else 0.1) for step in range(steps)]
    return descended(module, draws(known, config.infer_samples), z, rates, _objective(config))


Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of values (m,), wanted distances (m,) and a code (l,)."""


def _objective(config: DeepSdfConfig) -> Objective:
    """The clamped error and the prior."""
    measure = clamped if config.saturating else unsaturated_clamped_l1
    return lambda value, wanted, z: measure(value, wanted, config.clamp) + config.infer_prior * z.square().mean()


def descended(module: Conditional, draw: Draw, z: Tensor, rates: Sequence[float], objective: Objective) -> Tensor:
    """The code (l,) after steps of Adam from z (l,) at these rates, each on fresh samples."""
    random, z = np.random.default_rng(0), z.clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.0)
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        x, s, free = draw(random)
        value = module.decode(x[None], module.condition(z[None]))[0]
        (z.grad,) = torch.autograd.grad(objective(value, _wanted(value.detach(), s, free), z), [z])
        optimizer.step()
    return z.detach()


def cosine_schedule(rate: float, steps: int) -> list[float]:
    """Learning rates of so many steps, which fall from `rate` to 0 by a cosine."""
    return [rate * 0.5 * (1 + math.cos(math.pi * step / steps)) for step in range(steps)]


def by_squares(module: Conditional, known: SdfSamples, codes: Tensor, config: DeepSdfConfig) -> Tensor:
    """The code (l,) of one shape: by Levenberg and Marquardt from the best training codes, and a short Adam."""
    count = len(known.points)
    seen, held = known.part(0, count - count // 4), known.part(count - count // 4, count)
    random = np.random.default_rng(0)
    sample, judge = draws(seen, config.infer_samples)(random), draws(held, config.infer_samples)(random)
    glance = draws(seen, GLANCE)(random)
    first = codes[_errors(module, glance, codes, config).argsort()[: config.infer_starts]]
    reached = _rounds(module, sample, first, config)
    errors = _errors(module, judge, reached, config)
    best = reached[errors.argmin()]
    rates = cosine_schedule(config.infer_rate, config.infer_polish)
    polished = descended(module, draws(seen, config.infer_samples), best, rates, _objective(config))
    return polished if _errors(module, judge, polished[None], config)[0] < errors.min() else best


def _rounds(module: Conditional, sample: Sample, z: Tensor, config: DeepSdfConfig) -> Tensor:
    """Codes (k, l) after rounds from z (k, l), each with a damping of its own."""
    x, s, free = sample
    ridge, unit = 2 * config.infer_prior / z.shape[1], torch.eye(z.shape[1])
    mu = torch.full((len(z),), DAMPING[0])
    loss = _losses(module, sample, z, config)
    for _ in range(config.infer_rounds):
        value, slope = _linear(module, x, z)
        error = _error(value, s, free, config)
        beyond = value.abs() > config.clamp
        lost = beyond if config.saturating else beyond & (error == 0)
        weight = torch.where(lost, 0.0, 1 / (error.abs() + SHARP)) / len(x)
        weighted = slope * weight[..., None]
        normal = weighted.transpose(1, 2) @ slope + ridge * unit
        right = (weighted * error[..., None]).sum(1) + ridge * z
        curvature = normal.diagonal(dim1=1, dim2=2).mean(1)
        step = torch.linalg.solve(normal + (mu * curvature)[:, None, None] * unit, -right)
        tried = _losses(module, sample, z + step, config)
        better = tried < loss
        z, loss = torch.where(better[:, None], z + step, z), torch.where(better, tried, loss)
        mu = torch.where(better, mu * SOFTER, mu * HARDER).clamp(*DAMPING[1:])
    return z


def _linear(module: Conditional, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Values (k, m) at x (m, 3) of codes z (k, l), and their slopes by the code (k, m, l): one pass back through the
    network, every point with a code of its own."""
    values: list[Tensor] = []
    slopes: list[Tensor] = []
    for code in z:
        own = code.expand(len(x), -1).clone().requires_grad_()
        value = module.decode(x[:, None], module.condition(own))[:, 0]
        slopes += torch.autograd.grad(value.sum(), [own])
        values.append(value.detach())
    return torch.stack(values), torch.stack(slopes)


def _losses(module: Conditional, sample: Sample, z: Tensor, config: DeepSdfConfig) -> Tensor:
    """The objective (k,) of codes (k, l)."""
    return _errors(module, sample, z, config) + config.infer_prior * z.square().mean(1)


@torch.no_grad()
def _errors(module: Conditional, sample: Sample, z: Tensor, config: DeepSdfConfig) -> Tensor:
    """Mean clamped errors (k,) of codes (k, l) on samples (m)."""
    x, s, free = sample
    parts = []
    for some in z.split(max(AT_ONCE // len(x), 1)):
        value = module.decode(x.expand(len(some), -1, -1), module.condition(some))
        parts.append(_error(value, s, free, config).abs().mean(1))
    return torch.cat(parts)


def _error(value: Tensor, distance: Tensor, free: Tensor | None, config: DeepSdfConfig) -> Tensor:
    """clamp(f) - clamp(s), (k, m), of values (k, m) and distances (m,)."""
    wanted = _wanted(value, distance, free)
    return value.clamp(-config.clamp, config.clamp) - wanted.clamp(-config.clamp, config.clamp)


def _wanted(value: Tensor, distance: Tensor, free: Tensor | None) -> Tensor:
    """The distances that are wanted: where a point is only known to be free, no less is."""
    return distance.expand_as(value) if free is None else torch.where(free, torch.maximum(distance, value), distance)


def draws(known: SdfSamples, count: int) -> Draw:
    """Fresh samples of what is known of a shape, half of them inside where some are."""
    x, s = torch.tensor(known.points, dtype=torch.float32), torch.tensor(known.distance, dtype=torch.float32)
    free = None if known.free is None else torch.from_numpy(known.free)
    sides = [side for side in (torch.nonzero(s < 0)[:, 0], torch.nonzero(s >= 0)[:, 0]) if len(side)]

    def draw(random: np.random.Generator) -> Sample:
        size = count // len(sides)
        index = torch.cat([side[torch.from_numpy(random.integers(len(side), size=size))] for side in sides])
        return x[index], s[index], None if free is None else free[index]

    return draw
