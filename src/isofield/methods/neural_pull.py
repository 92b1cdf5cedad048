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
`start="sides"` adds what the sides of the points (`shapes.normals`) tell:

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
from torch import Tensor, nn

from isofield.adapt import descend
from isofield.configs import NeuralPullConfig
from isofield.fields.gradient import value_and_gradient
from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren
from isofield.losses.pull import pull_loss
from isofield.methods.step import Step
from isofield.sampling.queries import around, everywhere, rough_distance
from isofield.shapes.denoising import settled
from isofield.shapes.normals import orient
from isofield.threads import nearest
from isofield.types import Observation

SPACE = 1.1
"""Half side of the cube in which the field is taught its sign; a sine network means nothing beyond."""
SAMPLES = 100_000
"""Samples of the rough signed distance, as many near the points as in the whole space."""
BLOCK = 32
"""Steps whose queries are made at once."""

Batch = Callable[[int], Sequence[Tensor]]


def fit(observed: Observation, config: NeuralPullConfig, seed: int = 0, device: str = "cpu") -> Iterator[Step]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place."""
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    if config.start == "published":
        radius = float(np.ptp(observed.points, axis=0).max()) / 2
        network = Mlp((config.width,) * config.layers, (config.layers // 2,), "relu", radius, generator).to(device)
        yield from pull(network, queries(observed.points, config, random, device), config, 0.0)
        return
    yield Step("finding the sides", 0.0, None)
    oriented = settled(orient(observed.points, observed.normals, observed.noise, seed))
    field = Siren(config.width, config.layers, config.w0, generator).to(device)

    def known(x: np.ndarray) -> list[Tensor]:
        return [_tensor(x, device), _tensor(rough_distance(oriented, x), device)]

    far = known(everywhere(oriented.points, SPACE, random, SAMPLES))
    near = known(around(oriented.points, config.neighbour, config.scales)(random, SAMPLES))
    both = [torch.cat(pair) for pair in zip(near, far, strict=True)]
    steps = descend(
        lambda x, distance: (field(x) - distance).abs().mean(), field.parameters(), rows(both, config.batch, random),
        config.first_steps, learning_rate=config.learning_rate, final=0.3,
    )  # fmt: skip
    for index, _ in enumerate(steps):
        yield Step("learning the sides", 0.1 + 0.2 * index / config.first_steps, field, oriented.usual_noise)
    batches = [
        queries(oriented.points, config, random, device),
        rows(far, config.batch // 4, random),
        rows([_tensor(oriented.points, device)], config.batch // 4, random),
    ]
    yield from pull(field, lambda step: [v for batch in batches for v in batch(step)], config, 0.3)


def pull(field: nn.Module, batch: Batch, config: NeuralPullConfig, start: float) -> Iterator[Step]:
    """The pull itself: descends eq. 2 and, where the batch has them, the terms far from the points and at them."""

    def objective(query: Tensor, nearest: Tensor, *sides: Tensor) -> Tensor:
        value, gradient = value_and_gradient(field, query)
        loss = pull_loss(query, value, gradient, nearest, squared=config.squared)
        if sides:
            far, distance, points = sides
            away, at = field(torch.cat([far, points])).split([len(far), len(points)])
            loss = loss + config.far * (away - distance).abs().mean() + config.surface * at.abs().mean()
        return loss

    steps = descend(
        objective, field.parameters(), batch, config.steps,
        learning_rate=config.learning_rate, warm_up=config.warm_up, final=config.final,
    )  # fmt: skip
    for index, _ in enumerate(steps):
        yield Step("pulling", start + (1 - start) * (index + 1) / config.steps, field)


def queries(points: np.ndarray, config: NeuralPullConfig, random: np.random.Generator, device: str) -> Batch:
    """Batches of fresh queries (batch, 3) with the points (batch, 3) nearest to them."""
    draw, tree = around(points, config.neighbour, config.scales), cKDTree(points)
    block: list[Tensor] = []

    def batch(step: int) -> list[Tensor]:
        if step % BLOCK == 0:
            drawn = draw(random, BLOCK * config.batch)
            index = nearest(tree, drawn)[1]
            block[:] = [_tensor(v, device).view(BLOCK, -1, 3) for v in (drawn, points[index])]
        return [part[step % BLOCK] for part in block]

    return batch


def rows(tensors: Sequence[Tensor], count: int, random: np.random.Generator) -> Batch:
    """Batches of `count` random rows of tensors (n, ...) of equal length."""

    def batch(step: int) -> list[Tensor]:
        chosen = torch.from_numpy(random.integers(len(tensors[0]), size=count)).to(tensors[0].device)
        return [tensor[chosen] for tensor in tensors]

    return batch


def _tensor(array: np.ndarray, device: str) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32, device=device)
