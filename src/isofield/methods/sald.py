"""SAL and SALD: Atzmon and Lipman, "SAL: Sign Agnostic Learning of Shapes from Raw Data", CVPR 2020; "SALD: Sign
Agnostic Learning with Derivatives", ICLR 2021.

A field f learns the unsigned distance d to triangles that need be neither closed nor consistently wound,

    mean | |f(q)| - d(q) |  +  weight * mean min(|grad f(q) - n|_1, |grad f(q) + n|_1)

where n is the gradient of d; SAL is the first term alone. Half of the queries q are around the surface as far as its
k-th neighbour, half are wide. Which side is negative is decided by the start: a network that begins as the signed
distance to a sphere keeps one sign inside (SAL, theorem 1).

What differs from the papers, for both starts:

* queries are fresh in every step, their distances exact to the triangles (to the points, where there are no faces);
* one shape, no latent code; no weight norm, which changes little beside the shorter schedule;
* vectors are compared by their L1 norm as in the released code.

`start="published"` keeps the rest. `start="sides"` first regresses a sine network onto the rough signed distance that
the sides of the points give (`points.normals`): signs are then right where a sphere would leave walls between sheets.
The loss cannot tell a lost thin part from a kept one, so that the sides go on to hold: |f| counts wherever it is of the
other sign than near the points, and far from them the rough distance stays as a weak target. The gradient term weighs a
tenth there: at equal weight it is what the fit spends its minute on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from isofield.adapt import fresh, joined, rows
from isofield.configs import SaldConfig
from isofield.fields.gradient import value_and_gradient
from isofield.kdtree import nearest
from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value
from isofield.losses.signed import sign_hinge
from isofield.methods.learning import Samples, fresh_network, learn, learn_sides, sides
from isofield.methods.progress import Progress
from isofield.sampling.query_points import Draw, around
from isofield.solids.triangles import Nearest, nearest_on
from isofield.types import Observation

ON_SURFACE = 1e-7
"""Queries nearer to the surface than this (normalised) have no direction."""


def fit(observed: Observation, config: SaldConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place."""
    random, points = np.random.default_rng(seed), observed.points
    field = fresh_network(config.network, points, seed, device)

    def objective(query: Tensor, distance: Tensor, direction: Tensor, *sided: Tensor) -> Tensor:
        if config.direction == 0:
            loss = unsigned_value(field(query), distance)
        else:
            value, gradient = value_and_gradient(field, query)
            loss = unsigned_value(value, distance) + config.direction * unsigned_direction(gradient, direction)
        if sided:
            near, side, far, rough = sided
            held, away = field(torch.cat([near, far])).split([len(near), len(far)])
            loss = loss + config.side * sign_hinge(held, side) + config.far * (away - rough).abs().mean()
        return loss

    sided: Sequence[Samples] = ()
    if config.first is not None:
        yield Progress("finding the sides", 0.0, None)
        oriented = sides(observed, seed)
        points = oriented.points
    near = around(points, config.neighbour, config.scales)
    if config.first is not None:
        sided = yield from learn_sides(field, oriented, near, config.first, random, device)
    surface = nearest_on(observed.triangles) if observed.triangles is not None else nearest_of(points)
    wide = spread(points, config.wide)
    batches = [fresh(queries(surface, near, wide, random), config.descent.batch, device)]
    batches += [rows(samples, config.descent.batch // 4, random) for samples in sided]
    yield from learn(
        field, objective, joined(*batches), config.descent, "learning distances", 0.3 if config.first else 0.0
    )


def queries(
    surface: Nearest, near: Draw, wide: Draw, random: np.random.Generator
) -> Callable[[int], Sequence[np.ndarray]]:
    """Draws queries (n, 3), by turns near and wide, their unsigned distances (n,) and the gradients of those (n, 3)."""

    def draw(count: int) -> Sequence[np.ndarray]:
        x = np.empty((count, 3))
        x[::2], x[1::2] = near(random, count - count // 2), wide(random, count // 2)
        away = x - surface(x)
        distance = np.linalg.norm(away, axis=1)
        known = distance > ON_SURFACE
        return x, distance, away * (known / np.maximum(distance, ON_SURFACE))[:, None]

    return draw


def spread(points: np.ndarray, deviation: float) -> Draw:
    """A sampler of queries (count, 3) that deviate by `deviation` from random points (n, 3)."""
    return lambda random, count: (
        points[random.integers(len(points), size=count)] + deviation * random.standard_normal((count, 3))
    )


def nearest_of(points: np.ndarray) -> Nearest:
    """The nearest of points (n, 3)."""
    tree = cKDTree(points)
    return lambda x: points[nearest(tree, x)[1]]
