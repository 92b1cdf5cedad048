"""Losses on unsigned distances: the surface is known, its inside is not (SAL, SALD)."""

from __future__ import annotations

from torch import Tensor


def unsigned_value(value: Tensor, distance: Tensor) -> Tensor:
    """mean | |f(q)| - d(q) | (Atzmon and Lipman 2020, SAL, eq. 2 with the L1 metric).

    value, distance: (..., n), distance >= 0, to (...).
    """
    return (value.abs() - distance).abs().mean(-1)


def unsigned_direction(gradient: Tensor, direction: Tensor) -> Tensor:
    """mean min(|grad f - n|_1, |grad f + n|_1) (Atzmon and Lipman 2021, SALD, eq. 3).

    gradient, direction: (..., n, 3) to (...); direction is the gradient of the unsigned distance, zero on the surface
    itself, where it has none: such rows do not count.
    """
    defined = direction.square().sum(-1) > 0
    apart = (gradient - direction).abs().sum(-1).minimum((gradient + direction).abs().sum(-1))
    return (apart * defined).sum(-1) / defined.sum(-1).clamp(min=1)
