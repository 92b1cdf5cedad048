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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from torch import Tensor, nn

from isofield.adapt import Batches, fresh
from isofield.configs import NeuralPull
from isofield.fields.gradient import value_and_gradient
from isofield.losses.pull import pull_loss
from isofield.methods.warm_start import descend_from, fresh_network, observation_of
from isofield.sampling.query_points import around
from isofield.threads import nearest
from isofield.types import Batch, FitProgress, Shape


@dataclass(frozen=True)
class NeuralPullMethod:
    """Neural-Pull for one shape; the code is the network."""

    config: NeuralPull

    def init(self, shapes: Sequence[Shape], seed: int, device: str) -> nn.Module:
        """A network that begins as a sphere."""
        return fresh_network(self.config.network, observation_of(shapes).points, seed, device)

    def batches(self, shapes: Sequence[Shape], random: np.random.Generator, device: str) -> Batches:
        """Queries, and the observed points nearest to them."""
        points = observation_of(shapes).points
        near, tree = around(points, self.config.neighbour, self.config.scales), cKDTree(points)

        def queries(count: int) -> dict[str, np.ndarray]:
            x = near(random, count)
            return {"query": x, "nearest": points[nearest(tree, x)[1]]}

        return fresh(queries, self.config.optim.batch, device)

    def losses(self, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The pull loss (eq. 2)."""
        value, gradient = value_and_gradient(field, batch["query"])
        return {"pull": pull_loss(batch["query"], value, gradient, batch["nearest"], squared=self.config.squared)}

    def field(self, code: nn.Module) -> nn.Module:
        """The network itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Descent on the weights."""
        return descend_from(self, shapes, self.config.optim, self.config.warm_start, seed, device)
