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
from isofield.shapes.normals import Oriented, orient
from isofield.threads import workers
from isofield.types import Observation

PUBLISHED_POINTS = 20_000
"""Size of the cloud for which k = 51 was published."""
LEAST_NEIGHBOUR = 12
"""Queries nearer to their point than this neighbour would teach the field a ball around each point."""
FAR = 100_000
"""Samples of the rough signed distance, as many near the points as in the whole box."""
SPACE = 1.1
"""Half side of the cube in which the field is taught its sign; a sine network means nothing beyond."""
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
    oriented = orient(observed.points, observed.normals, observed.noise, seed)
    field = Siren(config.width, config.layers, config.w0, generator).to(device)
    far = rough(oriented, random.uniform(-1, 1, (FAR, 3)) * reach(oriented.points), device)
    near = rough(oriented, around(oriented.points, config)(random, FAR), device)
    both = [torch.cat(pair) for pair in zip(near, far, strict=True)]
    steps = descend(
        lambda x, distance: (field(x) - distance).abs().mean(), field.parameters(), rows(both, config.batch, random),
        config.first_steps, learning_rate=config.learning_rate, final=0.3,
    )  # fmt: skip
    for index, _ in enumerate(steps):
        yield Step("learning the sides", 0.1 + 0.2 * index / config.first_steps, field)
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


def around(points: np.ndarray, config: NeuralPullConfig) -> Callable[[np.random.Generator, int], np.ndarray]:
    """A sampler of queries about points (n, 3): (random, count) to (count, 3).

    The k-th neighbour is sought among as many points as were published, or k shrinks with their number.
    """
    known = points[:: -(-len(points) // PUBLISHED_POINTS)]
    k = max(LEAST_NEIGHBOUR, round(config.neighbour * len(known) / PUBLISHED_POINTS))
    deviation = cKDTree(known).query(points, k=[min(k, len(known))], workers=-1)[0]  # (n, 1)

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        chosen = random.integers(len(points), size=count)
        scale = np.resize(config.scales, count)[:, None]
        return points[chosen] + random.standard_normal((count, 3)) * scale * deviation[chosen]

    return draw


def queries(points: np.ndarray, config: NeuralPullConfig, random: np.random.Generator, device: str) -> Batch:
    """Batches of fresh queries (batch, 3) with the points (batch, 3) nearest to them."""
    draw, tree, block = around(points, config), cKDTree(points), [torch.empty(0)] * 2

    def batch(step: int) -> list[Tensor]:
        if step % BLOCK == 0:
            drawn = draw(random, BLOCK * config.batch)
            nearest = tree.query(drawn, workers=workers())[1]
            block[:] = [_tensor(v, device).view(BLOCK, -1, 3) for v in (drawn, points[nearest])]
        return [part[step % BLOCK] for part in block]

    return batch


def reach(points: np.ndarray) -> np.ndarray:
    """(FAR, 3) half sides of boxes about the origin: half of them around points (n, 3), half the whole normalised
    space."""
    return np.repeat([np.abs(points).max(0) + 0.1, [SPACE] * 3], FAR // 2, axis=0)


def rows(tensors: Sequence[Tensor], count: int, random: np.random.Generator) -> Batch:
    """Batches of `count` random rows of tensors (n, ...) of equal length."""

    def batch(step: int) -> list[Tensor]:
        chosen = torch.from_numpy(random.integers(len(tensors[0]), size=count))
        return [tensor[chosen.to(tensor.device)] for tensor in tensors]

    return batch


def rough(oriented: Oriented, x: np.ndarray, device: str) -> list[Tensor]:
    """Points (m, 3) and their rough signed distance (m,): to the nearest observed point, side by the winding number."""
    distance = cKDTree(oriented.points).query(x, workers=-1)[0]
    return [_tensor(x, device), _tensor(np.where(oriented.winding(x) > 0.5, -distance, distance), device)]


def _tensor(array: np.ndarray, device: str) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32, device=device)
