"""Neural-Pull: Ma, Han, Liu and Zwicker, "Neural-Pull: Learning Signed Distance Functions from Point Clouds by Learning
to Pull Space onto Surfaces", ICML 2021.

Queries q are drawn around every point p with the distance to p's k-th neighbour as deviation. The field f pulls each
along its own gradient onto the surface, q' = q - f(q) grad f(q) / |grad f(q)| (eq. 1), and learns from how far q' is
from the observed point nearest to q (eq. 2).

What differs from the paper, for both starts:

* fresh queries every step, in place of 40 a point drawn once;
* k = 51 belongs to 20 000 points and scales with their number, so that the deviation is a length of the shape;
* the learning rate rises and falls (the authors' PyTorch code) over as many steps as the settings say, not 40 000.

`start="published"` keeps the rest: a ReLU network that starts as the distance to a sphere, the pull loss alone.
`start="sides"` adds what the sides of the points (`points.normals`) tell:

* points moved back onto the surface that their neighbours agree on: the network need not average the noise away, and
  may resolve finer detail without following it;
* a sine network, first regressed onto the rough signed distance: nearest point, side by the winding number;
* far from the points that distance stays as a weak target: a pull alone grows blobs where there is nothing;
* |f| at the points (GridPull, Chen et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from isofield.adapt import fresh, joined, rows, tensor
from isofield.configs import NeuralPullConfig
from isofield.fields.gradient import value_and_gradient
from isofield.kdtree import nearest
from isofield.losses.pull import pull_loss
from isofield.methods.learning import fresh_network, learn, learn_sides, sides
from isofield.methods.progress import Progress
from isofield.sampling.query_points import Draw, around
from isofield.types import Observation


def fit(observed: Observation, config: NeuralPullConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place."""
    random, count = np.random.default_rng(seed), config.descent.batch
    field = fresh_network(config.network, observed.points, seed, device)

    def objective(query: Tensor, nearest: Tensor, *known: Tensor) -> Tensor:
        value, gradient = value_and_gradient(field, query)
        loss = pull_loss(query, value, gradient, nearest, squared=config.squared)
        if known:
            far, distance, points = known
            away, at = field(torch.cat([far, points])).split([len(far), len(points)])
            loss = loss + config.far * (away - distance).abs().mean() + config.surface * at.abs().mean()
        return loss

    if config.first is None:
        near = around(observed.points, config.neighbour, config.scales)
        batch = fresh(queries(observed.points, near, random), count, device)
        yield from learn(field, objective, batch, config.descent, "pulling", 0.0)
        return
    yield Progress("finding the sides", 0.0, None)
    oriented = sides(observed, seed)
    points = oriented.points
    near = around(points, config.neighbour, config.scales)
    _, far = yield from learn_sides(field, oriented, near, config.first, random, device)
    batch = joined(
        fresh(queries(points, near, random), count, device),
        rows(far, count // 4, random),
        rows([tensor(points, device)], count // 4, random),
    )
    yield from learn(field, objective, batch, config.descent, "pulling", 0.3)


def queries(points: np.ndarray, near: Draw, random: np.random.Generator) -> Callable[[int], Sequence[np.ndarray]]:
    """Draws queries (n, 3) by `near`, with the points (n, 3) nearest to them."""
    tree = cKDTree(points)

    def draw(count: int) -> Sequence[np.ndarray]:
        x = near(random, count)
        return x, points[nearest(tree, x)[1]]

    return draw
