"""The code of one shape by Levenberg-Marquardt from several starts, and a short Adam; and the codes of many shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from isofield.adapt.batches import Batches
from isofield.adapt.descent import Losses, cosine_rates, descend_code
from isofield.threads import deterministic, parallel_map
from isofield.types import Batch, FitProgress, Shape

PRESCREEN_SAMPLES = 256
"""Samples that starts are compared on."""
START, LEAST, MOST = 1e-3, 1e-7, 1e3
"""The damping, as a multiple of the mean curvature: at first, at least, at most."""
ACCEPTED, REJECTED = 0.3, 5.0
"""Factors on the damping after an accepted and after a rejected step."""


@dataclass(frozen=True, eq=False)
class CodeProblem:
    """What a code is wanted for, as nonlinear least squares and as an objective.

    residuals: of codes (k, l) at a batch, errors (k, m), their Jacobians (k, m, l) and weights (k, m). errors: of codes
    (k, l) at a batch, the mean absolute error (k,). objective: of a code (l,) at a batch, terms by name. prior: weight
    of the mean squared entry.
    """

    residuals: Callable[[Tensor, Batch], tuple[Tensor, Tensor, Tensor]]
    errors: Callable[[Tensor, Batch], Tensor]
    objective: Callable[[Tensor, Batch], Losses]
    prior: float


def levenberg_marquardt(
    residuals: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]], loss: Callable[[Tensor], Tensor], z: Tensor,
    ridge: float, rounds: int,
) -> Tensor:  # fmt: skip
    """Nonlinear least squares with few unknowns (k, l): Levenberg 1944; Marquardt 1963, "An Algorithm for Least-Squares
    Estimation of Nonlinear Parameters". Rounds from k starts z (k, l), each with a damping mu of its own:

        (J' W J + (ridge + mu) I) step = -(J' W e + ridge z)

    A step is taken where the loss falls. residuals: of z their values e (k, m), Jacobians J (k, m, l) and weights
    (k, m). loss: of z what has to fall, (k,).
    """
    unit = torch.eye(z.shape[1], device=z.device)
    mu = torch.full((len(z),), START, device=z.device)
    least = loss(z)
    for _ in range(rounds):
        error, jacobian, weight = residuals(z)
        weighted = jacobian * weight[..., None]
        normal = weighted.transpose(1, 2) @ jacobian + ridge * unit
        right = (weighted * error[..., None]).sum(1) + ridge * z
        curvature = normal.diagonal(dim1=1, dim2=2).mean(1)
        step = torch.linalg.solve(normal + (mu * curvature)[:, None, None] * unit, -right)
        tried = loss(z + step)
        better = tried < least
        z, least = torch.where(better[:, None], z + step, z), torch.where(better, tried, least)
        mu = torch.where(better, mu * ACCEPTED, mu * REJECTED).clamp(LEAST, MOST)
    return z


def search_code(
    problem: CodeProblem, starts: Tensor, seen: Callable[[int], Batches], held_out: Callable[[int], Batches],
    batches: Batches, *, samples: int, best: int, rounds: int, rate: float, polish: int,
) -> Tensor:  # fmt: skip
    """A code (l,): rounds of Levenberg-Marquardt from the `best` of the starts (k, l); the result with the least error
    on held-out samples goes through `polish` steps of Adam, which count if they lower that error.

    seen, held_out: a number of samples to batches of that size. batches: those of Adam. samples: of each round. rate:
    of Adam at first.
    """
    fit, judge, few = seen(samples)(0), held_out(samples)(0), seen(PRESCREEN_SAMPLES)(0)
    z = levenberg_marquardt(
        lambda z: problem.residuals(z, fit), lambda z: problem.errors(z, fit) + problem.prior * z.square().mean(1),
        starts[problem.errors(starts, few).argsort()[:best]], 2 * problem.prior / starts.shape[1], rounds,
    )  # fmt: skip
    errors = problem.errors(z, judge)
    found = z[errors.argmin()]
    polished = descend_code(problem.objective, found, batches, cosine_rates(rate, polish))
    return polished if problem.errors(polished[None], judge)[0] < errors.min() else found


def noted_codes(find: Callable[[Shape], tuple[Tensor, str]], shapes: Sequence[Shape]) -> FitProgress[Tensor]:
    """`codes_of`, with a note on each code, as the end of an inference."""
    with deterministic():
        codes, notes = zip(*parallel_map(find, shapes), strict=True)
    return FitProgress("inferring codes", 1.0, torch.stack(codes), notes=notes)


def codes_of(find: Callable[[Shape], Tensor], shapes: Sequence[Shape]) -> Tensor:
    """The codes (b, ...) of shapes, one by one from `find`; the number of threads does not change them."""
    with deterministic():
        return torch.stack(parallel_map(find, shapes))
