"""Losses from surface points alone: unit gradient norm in space, normals, no zeros elsewhere (IGR, SIREN)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def eikonal(gradient: Tensor) -> Tensor:
    """mean (|grad f| - 1)^2, a scalar (Gropp et al. 2020, IGR, eq. 2). gradient: (n, 3)."""
    return (gradient.norm(dim=1) - 1).square().mean()


def eikonal_l1(gradient: Tensor) -> Tensor:
    """mean | |grad f| - 1 |, a scalar (Sitzmann et al. 2020, SIREN, eq. 6, first term). gradient: (n, 3)."""
    return (gradient.norm(dim=1) - 1).abs().mean()


def normal_l2_loss(gradient: Tensor, normal: Tensor) -> Tensor:
    """mean |grad f - n|_2, a scalar (IGR, eq. 2). gradient, normal: (n, 3)."""
    return (gradient - normal).norm(dim=1).mean()


def normal_cosine_loss(gradient: Tensor, normal: Tensor) -> Tensor:
    """mean 1 - cos(grad f, n), a scalar (SIREN, eq. 6, second term). gradient, normal: (n, 3)."""
    return (1 - F.cosine_similarity(gradient, normal, dim=1)).mean()


def off_surface_penalty(value: Tensor, sharpness: float = 100.0) -> Tensor:
    """mean exp(-a |f|), a scalar: no zero where no point is (SIREN, eq. 6, last term; a = 100). value: (n,)."""
    return torch.exp(-sharpness * value.abs()).mean()
