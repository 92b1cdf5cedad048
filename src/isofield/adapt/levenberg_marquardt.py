"""Nonlinear least squares with few unknowns: Levenberg 1944, Marquardt 1963, "An Algorithm for Least-Squares Estimation
of Nonlinear Parameters". Several starts descend at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

START, LEAST, MOST = 1e-3, 1e-7, 1e3
"""The damping, as a multiple of the mean curvature: at first, at least, at most."""
ACCEPTED, REJECTED = 0.3, 5.0
"""Factors on the damping after an accepted and after a rejected step."""


def levenberg_marquardt(
    residuals: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]], loss: Callable[[Tensor], Tensor], z: Tensor,
    ridge: float, rounds: int,
) -> Tensor:  # fmt: skip
    """Unknowns (k, l) after rounds from k starts z (k, l), each with a damping mu of its own:

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
