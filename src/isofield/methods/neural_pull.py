"""Neural-Pull: Ma, Han, Liu and Zwicker, "Neural-Pull: Learning Signed Distance Functions from Point Clouds by Learning
to Pull Space onto Surfaces", ICML 2021.

Queries q are drawn around every point p with the distance to p's k-th neighbour as deviation. The field f pulls each
along its own gradient onto the surface, q' = q - f(q) grad f(q) / |grad f(q)| (eq. 1), and learns from the distance of
q' to the observed point nearest to q (eq. 2). f begins as the signed distance to a sphere.

Terms for real scans, each with a weight that is 0 in the paper (`losses.pull`):

    consistency   grad f(q) agrees with grad f(q') (level set alignment, Ma et al., CVPR 2023)
    drawn         q' meets a random one of the `patch` points around its nearest (noise to noise, Ma et al., ICML 2023)
    within        |f(q)| is at most the distance to the nearest point (the same)
    tangent       q' meets the tangent plane of that random point (Implicit Filtering, Li et al., ECCV 2024)

Noise2NoiseMapping draws a noisy cloud anew and matches the pulled points of a patch with it, one to one, by the earth
mover's distance. A pull moves a query along the normal alone, and there that match is with the heights of the patch in
random order: so is a random point of it, which costs a look into a table and no matching.

What differs from the paper: fresh queries every step, in place of 40 a point drawn once; k = 51 belongs to 20 000
points and scales with their number, so that the deviation is a length of the shape; the learning rate rises and falls,
as in the authors' PyTorch code.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, fresh
from isofield.configs import NeuralPull
from isofield.fields.evaluation import value_and_gradient
from isofield.kdtree import KDTree, nearest
from isofield.losses.pull import beyond_nearest, level_set_alignment, point_to_tangent, pull_loss, pulled
from isofield.methods.network import NetworkMethod
from isofield.sampling.query_points import around
from isofield.types import Batch, Observation


def batches(config: NeuralPull, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Queries, the observed points nearest to them with their distance, and random points around those."""
    points = observed.points
    near, tree = around(points, config.neighbour, config.scales), KDTree(points)
    size = min(config.patch, len(points))
    patches = nearest(tree, points, k=range(1, size + 1))[1]

    def queries(count: int) -> dict[str, np.ndarray]:
        x = near(random, count)
        distance, index = nearest(tree, x)
        found = {"query": x, "nearest": points[index], "distance": distance}
        if config.drawn or config.tangent:
            found["drawn"] = points[patches[index, random.integers(size, size=count)]]
        return found

    return fresh(queries, config.optim.batch, device)


def losses(config: NeuralPull, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The pull loss (eq. 2), and the other terms that have a weight."""
    query = batch["query"]
    value, gradient = value_and_gradient(field, query)
    there = pulled(query, value, gradient)
    terms = {}
    for name, weight, target in (("pull", config.pull, "nearest"), ("drawn", config.drawn, "drawn")):
        if weight:
            terms[name] = weight * pull_loss(query, value, gradient, batch[target], squared=config.squared)
    if config.within:
        terms["within"] = config.within * beyond_nearest(value, batch["distance"])
    if config.tangent:
        with torch.no_grad():
            tangent = value_and_gradient(field, batch["drawn"])[1]
        terms["tangent"] = config.tangent * point_to_tangent(there, gradient, batch["drawn"], tangent, config.edge)
    if config.consistency:
        below = value_and_gradient(field, there.detach())[1]
        terms["consistency"] = config.consistency * level_set_alignment(value, gradient, below, config.falloff)
    return terms


def method(config: NeuralPull) -> NetworkMethod:
    """Neural-Pull for one shape."""
    return NetworkMethod(
        config.network, config.optim, config.warm_start, partial(batches, config), partial(losses, config)
    )
