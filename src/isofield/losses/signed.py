"""Losses on signed distances."""

from __future__ import annotations

import torch
from torch import Tensor


def clamped(value: Tensor, distance: Tensor, limit: float) -> Tensor:
    """mean |clamp(f, -d, d) - clamp(s, -d, d)|, a scalar (Park et al. 2019, DeepSDF, eq. 4). value, distance: (n,)."""
    return (value.clamp(-limit, limit) - distance.clamp(-limit, limit)).abs().mean()


def unsaturated_clamped_l1(value: Tensor, distance: Tensor, limit: float) -> Tensor:
    """`clamped`, but a value beyond the limit counts in full where the distance is not beyond it, a scalar.

    Such a value has a gradient that leads back; in eq. 4 it has none, and a network that begins beyond the limit stays
    there. value, distance: (n,).
    """
    value = torch.where(distance >= limit, value.clamp(max=limit), value)
    value = torch.where(distance <= -limit, value.clamp(min=-limit), value)
    return (value - distance.clamp(-limit, limit)).abs().mean()


def sign_hinge(value: Tensor, distance: Tensor) -> Tensor:
    """mean max(0, -sign(s) f), a scalar: how far values (n,) are on the other side than the distances (n,)."""
    return (-distance.sign() * value).relu().mean()


def lower_bounded(value: Tensor, distance: Tensor, free: Tensor | None) -> Tensor:
    """The distances that values (..., n) are compared with: where `free` (n,), the distance (n,) is only a lower bound,
    and a value above it is right."""
    return distance.expand_as(value) if free is None else torch.where(free, torch.maximum(distance, value), distance)
