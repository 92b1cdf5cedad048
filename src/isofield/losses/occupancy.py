"""Losses of occupancies, which are the probabilities that points are inside."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logit: Tensor, outside: Tensor) -> Tensor:
    """The mean binary cross-entropy (b,) of logits of being outside (b, n), where `outside` (b, n) is 1 or 0
    (Mescheder et al. 2019, Occupancy Networks, eq. 3)."""
    return F.binary_cross_entropy_with_logits(logit, outside, reduction="none").mean(1)


def divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """The Kullback-Leibler divergence (b,) of N(mean, deviation^2), (b, l) each, from N(0, 1) (Kingma and Welling 2014,
    appendix B)."""
    return 0.5 * (mean.square() + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum(1)
