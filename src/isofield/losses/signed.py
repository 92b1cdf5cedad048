"""Losses on signed distances."""

from __future__ import annotations

from torch import Tensor


def clamped(value: Tensor, distance: Tensor, limit: float) -> Tensor:
    """mean |clamp(f, -d, d) - clamp(s, -d, d)|, a scalar (Park et al. 2019, DeepSDF, eq. 4). value, distance: (n,)."""
    return (value.clamp(-limit, limit) - distance.clamp(-limit, limit)).abs().mean()


def wrong_side(value: Tensor, distance: Tensor) -> Tensor:
    """mean max(0, -sign(s) f), a scalar: how far values (n,) reach to the other side than the distances (n,) do."""
    return (-distance.sign() * value).relu().mean()
