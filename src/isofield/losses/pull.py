"""Pulling queries onto the surface (Ma et al. 2021, "Neural-Pull", ICML) and what follow-up work added to it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-12
"""Under the root of the gradient's length, as in the released code: duplicate points give queries of gradient 0."""


def direction(gradient: Tensor) -> Tensor:
    """(n, 3) gradients to unit length (zero stays zero)."""
    return gradient / (gradient.square().sum(1, keepdim=True) + EPSILON).sqrt()


def pulled(queries: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Where the field says the surface is: q' = q - f(q) grad f(q) / |grad f(q)| (eq. 1).

    queries, gradient: (n, 3); value: (n,). Returns (n, 3).
    """
    return queries - value[:, None] * direction(gradient)


def pull_loss(queries: Tensor, value: Tensor, gradient: Tensor, nearest: Tensor, *, squared: bool = False) -> Tensor:
    """Mean distance from the pulled queries to the observed points nearest to them, a scalar.

    Unsquared as in the released code; the paper's eq. 2 squares it (`squared`).
    queries, gradient, nearest: (n, 3); value: (n,).
    """
    missed = (pulled(queries, value, gradient) - nearest).square().sum(1)
    return missed.mean() if squared else (missed + EPSILON).sqrt().mean()


def plane_loss(queries: Tensor, value: Tensor, gradient: Tensor, nearest: Tensor, normals: Tensor) -> Tensor:
    """Mean distance from the pulled queries to the tangent planes at the points nearest to them, a scalar.

    Unlike the distance to the points themselves it is zero for an exact distance, however sparse the points.
    queries, gradient, nearest: (n, 3); normals: (n, 3) of unit length, on either side; value: (n,).
    """
    return ((pulled(queries, value, gradient) - nearest) * normals).sum(1).abs().mean()


def alignment_loss(value: Tensor, gradient: Tensor, gradient_pulled: Tensor, sharpness: float = 10.0) -> Tensor:
    """Level-set alignment: a query and its pulled image share one normal, the more the nearer they are.

    mean exp(-sharpness |f(q)|) (1 - cos(grad f(q), grad f(q'))), Ma et al. 2023, "Towards Better Gradient Consistency
    for Neural Signed Distance Functions via Level Set Alignment", eq. 6. value: (n,); gradients: (n, 3).
    """
    agreement = F.cosine_similarity(gradient, gradient_pulled, dim=1)
    return (torch.exp(-sharpness * value.detach().abs()) * (1 - agreement)).mean()
