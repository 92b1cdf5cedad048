"""Pulling queries onto the surface (Ma et al. 2021, "Neural-Pull", ICML), and terms that join that loss where points
are noisy or few, or edges sharp."""

from __future__ import annotations

import math

import torch
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


def level_set_alignment(value: Tensor, gradient: Tensor, there: Tensor, falloff: float) -> Tensor:
    """mean exp(-falloff |f(q)|) (1 - cos(grad f(q), grad f(q'))): a gradient is that of the surface below it.

    Ma, Zhou, Liu and Han, "Towards Better Gradient Consistency for Neural Signed Distance Functions via Level Set
    Alignment", CVPR 2023, eqs. 3 and 4. value: (n,) and gradient: (n, 3) at the queries; there: (n, 3), the gradient at
    the pulled queries; falloff: per unit of distance.
    """
    cosine = (direction(gradient) * direction(there)).sum(1)
    return (torch.exp(-falloff * value.abs()) * (1 - cosine)).mean()


def beyond_nearest(value: Tensor, distance: Tensor) -> Tensor:
    """mean max(0, |f(q)| - d(q)): the surface is at most as far as the nearest point.

    Ma, Liu and Han, "Learning Signed Distance Functions from Noisy 3D Point Clouds via Noise to Noise Mapping", ICML
    2023, the geometric consistency of its objective. value: (n,); distance: (n,) from the queries to the points.
    """
    return (value.abs() - distance).relu().mean()


def point_to_tangent(there: Tensor, normal: Tensor, point: Tensor, tangent: Tensor, angle: float) -> Tensor:
    """Mean height of pulled queries above the tangent planes of points beside them, those beyond an edge excluded:

        sum w |(q' - p) . (n + m) / 2| / sum w,        w = exp(-(1 - n . m) / (1 - cos angle)),

    for unit normals n at the query and m at the point; w counts as constant. Li, Liu and Han, "Implicit Filtering for
    Learning Neural Signed Distance Functions from 3D Point Clouds", ECCV 2024, eqs. 3 to 5, has m in place of the mean
    of both normals. The mean makes the height zero between any two points of a sphere, so that curved surfaces do not
    shrink; and one random point of a query's neighbourhood stands here for the weighted sum over all of them.

    there, point: (n, 3); normal, tangent: (n, 3) gradients at the query and the point, of any length; angle: degrees.
    """
    n, m = direction(normal), direction(tangent)
    height = ((there - point) * (n + m) / 2).sum(1)
    weight = torch.exp(((n * m).sum(1) - 1) / (1 - math.cos(math.radians(angle)))).detach()
    return (weight * height.abs()).sum() / weight.sum().clamp(min=1e-6)
