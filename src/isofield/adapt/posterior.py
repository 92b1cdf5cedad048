"""Robust least squares with few unknowns, solved many times in the time of one descent; and by it the posterior of a
code of a linear model, given samples of a part of a shape."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SHARP = 0.003
"""Errors below this have equal weights, larger ones their inverses: least absolute deviations with a rounded tip."""
RIDGE, ROUNDS = 3e-9, 12
"""Ridge and reweighting rounds of the robust fit."""
PRIORS = ((1.0, 1.0), (0.5, 0.1), (0.5, 0.01))
"""Candidate priors; the one with the largest evidence is used. Each is made of a fraction of the training codes, those
that explain the samples best, and a variance that is added to every component: how unlike the training shapes a shape
may be (over all codes the variance is 1)."""
PRESCREEN_SAMPLES = 2048
"""Samples that training codes are compared on."""


def robust_least_squares(
    a: Tensor, b: Tensor, ridge: float, *, start: Tensor | None = None, rounds: int = 6, free: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """argmin_u mean |A u - b| + ridge |u|^2, by iteratively reweighted least squares (Holland and Welsch 1977).

    a: (m, l); b: (m,); start: (l,), 0 by default. free: (m,) bool: rows that only want A u >= b; they count where that
    fails. Returns u (l,) and the matrix (l, l) float64 of the last round's normal equations.
    """
    u = torch.zeros_like(a[0]) if start is None else start
    diagonal = torch.eye(a.shape[1], dtype=torch.float64, device=a.device)
    for _ in range(rounds):
        error = a @ u - b
        weight = SHARP / (error.abs() + SHARP)
        if free is not None:
            weight = torch.where(free & (error >= 0), torch.zeros_like(weight), weight)
        weighted = a * weight[:, None]
        normal = (weighted.T @ a).double() / len(a) + ridge * diagonal
        right = (weighted.T @ b).double() / len(a)
        u = torch.cholesky_solve(right[:, None], torch.linalg.cholesky(normal))[:, 0].to(a)
    return u, normal


def log_evidence(a: Tensor, b: Tensor, ridge: float, u: Tensor, normal: Tensor, free: Tensor | None = None) -> float:
    """The log probability of b over all u, under the prior that `ridge` stands for: the criterion for choosing among
    matrices A (MacKay 1992, "Bayesian Interpolation", eq. 4.5: Laplace's approximation).

    a, b, ridge, free: as in `robust_least_squares`, whose results are u and normal. A normal prior of variance 1 on u
    makes the ridge the noise's variance over m. Up to a constant that is the same for all A (m, l) with the same b.
    """
    error = (a @ u - b).double()
    loss = SHARP * (error.abs() - SHARP * torch.log1p(error.abs() / SHARP))  # its slope is weight times error
    if free is not None:
        loss = torch.where(free & (error >= 0), 0.0, loss)
    least = loss.mean() / ridge + u.double().square().sum() / 2
    return -float(least + torch.logdet(normal / ridge) / 2)


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
