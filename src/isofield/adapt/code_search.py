"""The code of one shape by Levenberg-Marquardt from several starts, and a short Adam; and the codes of many shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from isofield.adapt.batches import Batches
from isofield.adapt.descent import Losses, descend_code, falling
from isofield.adapt.levenberg_marquardt import levenberg_marquardt
from isofield.threads import deterministic, parallel_map
from isofield.types import Batch, Shape

PRESCREEN_SAMPLES = 256
"""Samples that starts are compared on."""


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
    polished = descend_code(problem.objective, found, batches, falling(rate, polish))
    return polished if problem.errors(polished[None], judge)[0] < errors.min() else found


def codes_of(find: Callable[[Shape], Tensor], shapes: Sequence[Shape]) -> Tensor:
    """The codes (b, ...) of shapes, one by one from `find`; the number of threads does not change them."""
    with deterministic():
        return torch.stack(parallel_map(find, shapes))
