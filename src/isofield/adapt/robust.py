"""Robust least squares with few unknowns: many such problems are solved in the time of one descent."""

from __future__ import annotations

import torch
from torch import Tensor

SHARP = 0.003
"""Errors below this weigh alike, larger ones by their inverse: least absolute deviations with a rounded tip."""


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
