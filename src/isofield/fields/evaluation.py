"""The values of a field, also outside the cube in which it was learned, and its exact spatial gradient."""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import Tensor, nn

from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren


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


@singledispatch
def value_and_gradient(field: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Values (n,) and gradients (n, 3) at points (n, 3).

    By autograd; `Siren` and `Mlp` have their own analytic reverse sweep, equal to rounding and cheaper (each sine,
    cosine or sigmoid is computed once). Both are differentiable by the weights where torch records a graph.
    """
    keep = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        value = field(x)
        (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=keep)
    return (value, gradient) if keep else (value.detach(), gradient.detach())


@value_and_gradient.register
def _(field: Siren, x: Tensor) -> tuple[Tensor, Tensor]:
    return field.value_and_gradient(x)


@value_and_gradient.register
def _(field: Mlp, x: Tensor) -> tuple[Tensor, Tensor]:
    return field.value_and_gradient(x)
