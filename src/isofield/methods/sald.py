"""SAL and SALD: Atzmon and Lipman, "SAL: Sign Agnostic Learning of Shapes from Raw Data", CVPR 2020; "SALD: Sign
Agnostic Learning with Derivatives", ICLR 2021.

A field f learns the unsigned distance d to triangles that need be neither closed nor consistently wound,

    mean | |f(q)| - d(q) |  +  direction * mean min(|grad f(q) - n|_1, |grad f(q) + n|_1)

where n is the gradient of d; SAL is the first term alone. Half of the queries q lie around the surface, as far as its
k-th neighbour, half deviate widely. The start decides which side is negative: a network that begins as the signed
distance to a sphere keeps one sign inside (SAL, theorem 1).

What differs from the papers: queries are fresh in every step, their distances exact to the triangles (to the points,
where there are no faces); no weight norm; vectors are compared by their L1 norm as in the released code.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import Tensor, nn

from isofield.adapt import Batches, fresh
from isofield.configs import Sald
from isofield.fields.evaluation import value_and_gradient
from isofield.kdtree import KDTree, nearest
from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value
from isofield.methods.network import NetworkMethod
from isofield.sampling.query_points import around
from isofield.solids.triangles import Nearest, nearest_on
from isofield.types import Batch, Observation

ON_SURFACE = 1e-7
"""Queries nearer to the surface than this (normalised) have no direction."""


def batches(config: Sald, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Queries, near and wide in turn, their unsigned distances and the gradients of those."""
    points = observed.points
    near = around(points, config.neighbour, config.scales)
    surface = nearest_on(observed.triangles) if observed.triangles is not None else _nearest_of(points)

    def queries(count: int) -> dict[str, np.ndarray]:
        x = np.empty((count, 3))
        x[::2] = near(random, count - count // 2)
        some = points[random.integers(len(points), size=count // 2)]
        x[1::2] = some + config.wide * random.standard_normal((count // 2, 3))
        away = x - surface(x)
        distance = np.linalg.norm(away, axis=1)
        off = distance > ON_SURFACE
        direction = away * (off / np.maximum(distance, ON_SURFACE))[:, None]
        return {"query": x, "distance": distance, "direction": direction}

    return fresh(queries, config.optim.batch, device)


def losses(config: Sald, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The distance and, for SALD, its gradient."""
    if config.direction == 0:
        return {"distance": unsigned_value(field(batch["query"]), batch["distance"])}
    value, gradient = value_and_gradient(field, batch["query"])
    return {
        "distance": unsigned_value(value, batch["distance"]),
        "direction": config.direction * unsigned_direction(gradient, batch["direction"]),
    }


def method(config: Sald) -> NetworkMethod:
    """SAL or SALD for one shape."""
    return NetworkMethod(
        config.network, config.optim, config.warm_start, partial(batches, config), partial(losses, config)
    )


def _nearest_of(points: np.ndarray) -> Nearest:
    """The nearest of points (n, 3)."""
    tree = KDTree(points)
    return lambda x: points[nearest(tree, x)[1]]
