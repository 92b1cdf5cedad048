"""Losses on signed distances."""

from __future__ import annotations

import torch
from torch import Tensor


def clamped(value: Tensor, distance: Tensor, limit: float) -> Tensor:
    """mean |clamp(f, -d, d) - clamp(s, -d, d)|, a scalar (Park et al. 2019, DeepSDF, eq. 4). value, distance: (n,)."""
    return (value.clamp(-limit, limit) - distance.clamp(-limit, limit)).abs().mean()


def unsaturated_clamped_l1(value: Tensor, distance: Tensor, limit: float) -> Tensor:
    """`clamped`, but what reaches beyond the limit counts in full where the distance does not reach there, a scalar.

    So it has a slope that leads back; in eq. 4 it has none, and a network that begins beyond the limit stays there.
    value, distance: (n,).
    """
    value = torch.where(distance >= limit, value.clamp(max=limit), value)
    value = torch.where(distance <= -limit, value.clamp(min=-limit), value)
    return (value - distance.clamp(-limit, limit)).abs().mean()


def sign_hinge(value: Tensor, distance: Tensor) -> Tensor:
    """mean max(0, -sign(s) f), a scalar: how far values (n,) reach to the other side than the distances (n,) do."""
    return (-distance.sign() * value).relu().mean()
