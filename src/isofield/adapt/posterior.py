"""The posterior of a code of a linear model, given samples of a part of a shape."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isofield.adapt.robust import log_evidence, robust_least_squares

RIDGE, ROUNDS = 3e-9, 12
"""Ridge and reweighting rounds of the robust fit."""
PRIORS = ((1.0, 1.0), (0.5, 0.1), (0.5, 0.01))
"""Candidate priors; the one with the largest evidence is used. Each is made of a fraction of the training codes, those
that explain the samples best, and a variance that is added to every component: how unlike the training shapes a shape
may be (over all codes the variance is 1)."""
PRESCREEN_SAMPLES = 2048
"""Samples that training codes are compared on."""


def posterior(
    a: Tensor, b: Tensor, codes: Tensor, count: int, random: torch.Generator, free: Tensor | None = None
) -> Tensor:
    """Codes z (count, l) with A z near b: the most probable one, then draws of the posterior.

    a: (m, l); b: (m,). codes: (n, l) of training shapes. free: (m,) bool: rows that only want A z >= b.

    The prior decides where nothing was observed: z = mean + L u, u normal, L L' the covariance of training codes and
    some variance of all components (`PRIORS`). The draws are of the normal distribution about the most probable u whose
    precision is the last normal matrix M (Laplace's approximation): the ridge is the noise's variance over the number
    of samples, so the covariance of u is ridge M^-1, and 1 where nothing was observed.
    """
    ranked = codes[_errors(a, b, free, codes).argsort()].double()
    fits = [_fit(a, b, free, ranked, fraction, variance) for fraction, variance in PRIORS]
    _, mean, mixture, u, normal = max(fits, key=lambda fit: fit[0])
    noise = torch.randn(len(u), count, generator=random, dtype=torch.float64).to(u.device)
    noise[:, 0] = 0
    deviation = torch.linalg.solve_triangular(torch.linalg.cholesky(normal).T, noise, upper=True)
    drawn = u.double()[:, None] + RIDGE**0.5 * deviation
    return (mean + (mixture @ drawn).T).float()


def _fit(
    a: Tensor, b: Tensor, free: Tensor | None, ranked: Tensor, fraction: float, variance: float
) -> tuple[float, Tensor, Tensor, Tensor, Tensor]:
    """The log evidence of a prior, its mean and L, and u with its normal matrix."""
    near = ranked[: max(math.ceil(fraction * len(ranked)), 2)]
    mean, centred = near.mean(0), near - near.mean(0)
    covariance = centred.T @ centred / max(len(near) - 1, 1)
    unit = torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    mixture = torch.linalg.cholesky(covariance + variance * unit)
    mixed, missing = a @ mixture.float(), b - a @ mean.float()
    u, normal = robust_least_squares(mixed, missing, RIDGE, rounds=ROUNDS, free=free)
    return log_evidence(mixed, missing, RIDGE, u, normal, free), mean, mixture, u, normal


def _errors(a: Tensor, b: Tensor, free: Tensor | None, codes: Tensor) -> Tensor:
    """Mean errors (n,) of codes (n, l) at the first samples."""
    error = a[:PRESCREEN_SAMPLES] @ codes.T - b[:PRESCREEN_SAMPLES, None]
    if free is not None:
        error = torch.where(free[:PRESCREEN_SAMPLES, None], error.clamp(max=0), error)
    return error.abs().mean(0)
