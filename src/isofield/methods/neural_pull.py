"""Neural-Pull: Ma, Han, Liu and Zwicker, "Neural-Pull: Learning Signed Distance Functions from Point Clouds by Learning
to Pull Space onto Surfaces", ICML 2021.

Queries q are drawn around every point p with the distance to p's k-th neighbour as deviation. The field f pulls each
along its own gradient onto the surface, q' = q - f(q) grad f(q) / |grad f(q)| (eq. 1), and learns from the distance of
q' to the observed point nearest to q (eq. 2). f begins as the signed distance to a sphere.

What differs from the paper: fresh queries every step, in place of 40 a point drawn once; k = 51 belongs to 20 000
points and scales with their number, so that the deviation is a length of the shape; the learning rate rises and falls,
as in the authors' PyTorch code.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.spatial import cKDTree
from torch import Tensor, nn

from isofield.adapt import Batches, fresh
from isofield.configs import NeuralPull
from isofield.fields.gradient import value_and_gradient
from isofield.kdtree import nearest
from isofield.losses.pull import pull_loss
from isofield.methods.network import NetworkMethod
from isofield.sampling.query_points import around
from isofield.types import Batch, Observation


def batches(config: NeuralPull, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Queries, and the observed points nearest to them."""
    points = observed.points
    near, tree = around(points, config.neighbour, config.scales), cKDTree(points)

    def queries(count: int) -> dict[str, np.ndarray]:
        x = near(random, count)
        return {"query": x, "nearest": points[nearest(tree, x)[1]]}

    return fresh(queries, config.optim.batch, device)


def losses(config: NeuralPull, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The pull loss (eq. 2)."""
    value, gradient = value_and_gradient(field, batch["query"])
    return {"pull": pull_loss(batch["query"], value, gradient, batch["nearest"], squared=config.squared)}


def method(config: NeuralPull) -> NetworkMethod:
    """Neural-Pull for one shape."""
    return NetworkMethod(
        config.network, config.optim, config.warm_start, partial(batches, config), partial(losses, config)
    )
