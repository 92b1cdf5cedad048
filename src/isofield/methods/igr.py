"""IGR: Gropp, Yariv, Haim, Atzmon and Lipman, "Implicit Geometric Regularization for Learning Shapes", ICML 2020.

A field f that is zero on the points p, has their normals n where those are known, and unit slope wherever it is asked
(eqs. 1 and 2 there):

    mean |f(p)|  +  weight * mean |grad f(p) - n|  +  slope * mean (|grad f(q)| - 1)^2

q: around the points as far as the k-th neighbour, and an eighth of them anywhere in the cube.

What differs from the paper, for both starts:

* fewer steps, of fewer points, with a rate that falls by a cosine;
* the points are normalised, so that the sphere at the start has about their size; the deviation of q belongs to their
  positions alone (the released code measures it between points with their normals).

`start="published"` keeps the rest: a softplus network that begins as the distance to a sphere, normals as the input
gives them, none where it has none. `start="sides"` knows the normals of every point with their sides
(`points.normals`), first regresses a sine network onto the rough signed distance, and keeps that as a weak target far
from the points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import fresh, joined, rows, tensor
from isofield.configs import IgrConfig
from isofield.fields.gradient import value_and_gradient
from isofield.losses.eikonal import eikonal, normal_l2_loss
from isofield.methods.learning import SPACE, fresh_network, learn, learn_sides, rough_loss, sides
from isofield.methods.progress import Progress
from isofield.sampling.query_points import Draw, around
from isofield.types import Observation


def fit(observed: Observation, config: IgrConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place."""
    random, count = np.random.default_rng(seed), config.descent.batch // 2
    points, normals = observed.points, observed.normals
    field = fresh_network(config.network, points, seed, device)

    def objective(query: Tensor, point: Tensor, normal: Tensor, *known: Tensor) -> Tensor:
        value, gradient = value_and_gradient(field, torch.cat([point, query]))
        loss = value[: len(point)].abs().mean() + config.slope * eikonal(gradient[len(point) :])
        if normals is not None:
            loss = loss + config.normals * normal_l2_loss(gradient[: len(point)], normal)
        return loss + rough_loss(field, known, config.far)

    far: list[Tensor] = []
    if config.first is not None:
        yield Progress("finding the sides", 0.0, None)
        oriented = sides(observed, seed)
        points, normals = oriented.points, oriented.normals
    near = around(points, config.neighbour, config.scales)
    if config.first is not None:
        _, far = yield from learn_sides(field, oriented, near, config.first, random, device)
    known = [tensor(points, device), tensor(points if normals is None else normals, device)]
    batches = [fresh(queries(near, config.uniform, random), count, device), rows(known, count, random)]
    if far:
        batches.append(rows(far, count // 2, random))
    yield from learn(
        field, objective, joined(*batches), config.descent, "learning the slope", 0.3 if config.first else 0.0
    )


def queries(near: Draw, uniform: float, random: np.random.Generator) -> Callable[[int], Sequence[np.ndarray]]:
    """Draws queries (n, 3): the share `uniform` of them anywhere in the cube, the others by `near`."""

    def draw(count: int) -> Sequence[np.ndarray]:
        anywhere = random.uniform(-SPACE, SPACE, (round(uniform * count), 3))
        x = np.concatenate([anywhere, near(random, count - len(anywhere))])
        return [x[random.permutation(count)]]

    return draw
