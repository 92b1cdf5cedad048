"""Values of fields outside the cube in which they were learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def value(field: nn.Module, x: Tensor) -> Tensor:
    """Signed distances (n,) at normalised x (n, 3), inside and outside the cube [-1, 1]^3.

    A field whose class sets `cube_only` is evaluated at the closest point of the cube, and the distance to that point
    is added. Every other field extrapolates by itself.
    """
    if not getattr(field, "cube_only", False):
        return field(x)
    inside = x.clamp(-1, 1)
    square = (x - inside).square().sum(1)
    return field(inside) + torch.where(square > 0, square, torch.ones_like(square)).sqrt() * (square > 0)
