"""The value and the exact spatial gradient of a field, both differentiable by its weights."""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import Tensor, nn

from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren


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
