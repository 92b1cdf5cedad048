"""Pulling queries onto the surface (Ma et al. 2021, "Neural-Pull", ICML)."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-12
"""Under the root of the gradient's length, as in the released code: duplicate points give queries of gradient 0."""


def direction(gradient: Tensor) -> Tensor:
    """(..., 3) gradients to unit length (zero stays zero)."""
    return gradient / (gradient.square().sum(-1, keepdim=True) + EPSILON).sqrt()


def pulled(queries: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Where the field says the surface is: q' = q - f(q) grad f(q) / |grad f(q)| (eq. 1).

    queries, gradient: (..., 3); value: (...). Returns (..., 3).
    """
    return queries - value[..., None] * direction(gradient)


def pull_loss(queries: Tensor, value: Tensor, gradient: Tensor, nearest: Tensor, *, squared: bool = False) -> Tensor:
    """Mean distance from the pulled queries to the observed points nearest to them, (...) of every shape: a scalar of
    one.

    Unsquared as in the released code; the paper's eq. 2 squares it (`squared`).
    queries, gradient, nearest: (..., n, 3); value: (..., n).
    """
    missed = (pulled(queries, value, gradient) - nearest).square().sum(-1)
    return missed.mean(-1) if squared else (missed + EPSILON).sqrt().mean(-1)
