"""SIREN: Sitzmann, Martel, Bergman, Lindell and Wetzstein, "Implicit Neural Representations with Periodic Activation
Functions", NeurIPS 2020: the experiment on signed distance functions.

A sine network f of oriented points p with normals n (section 4.2, eq. 6), q anywhere in the cube:

    3000 |f(p)|  +  100 (1 - cos(grad f(p), n))  +  50 | |grad f| - 1 |  +  100 exp(-100 |f(q)|)

What differs from the paper, for both starts: fewer steps, of fewer points; where the input has no normals, they and
their sides are found (`points.normals`), for without them the experiment has no inside.

`start="published"` keeps the rest. `start="sides"` takes the points that have been moved to where their neighbours say
that the surface is, first regresses the network onto the rough signed distance, keeps that as a weak target far from
the points, and lets the rate fall.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import fresh, joined, rows, tensor
from isofield.configs import SirenConfig
from isofield.fields.gradient import value_and_gradient
from isofield.losses.eikonal import eikonal_l1, normal_cosine_loss, off_surface_penalty
from isofield.methods.learning import SPACE, fresh_network, learn, learn_sides, rough_loss, sides
from isofield.methods.progress import Progress
from isofield.points import orient
from isofield.sampling.query_points import around
from isofield.types import Observation


def fit(observed: Observation, config: SirenConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place."""
    random, count = np.random.default_rng(seed), config.descent.batch // 2
    field = fresh_network(config.network, observed.points, seed, device)

    def objective(query: Tensor, point: Tensor, normal: Tensor, *known: Tensor) -> Tensor:
        value, gradient = value_and_gradient(field, torch.cat([point, query]))
        at, away = value.split([len(point), len(query)])
        loss = (
            config.surface * at.abs().mean()
            + config.normals * normal_cosine_loss(gradient[: len(point)], normal)
            + config.slope * eikonal_l1(gradient)
            + config.empty * off_surface_penalty(away, config.sharpness)
        )
        return loss + rough_loss(field, known, config.far)

    far: list[Tensor] = []
    points, normals = observed.points, observed.normals
    if config.first is not None:
        yield Progress("finding the sides", 0.0, None)
        oriented = sides(observed, seed)
        points, normals = oriented.points, oriented.normals
        _, far = yield from learn_sides(field, oriented, around(points), config.first, random, device)
    elif normals is None:
        yield Progress("finding the sides", 0.0, None)
        oriented = orient(points, None, observed.noise, seed)
        points, normals = oriented.points, oriented.normals

    def anywhere(n: int) -> list[np.ndarray]:
        return [random.uniform(-SPACE, SPACE, (n, 3))]

    batches = [fresh(anywhere, count, device), rows([tensor(points, device), tensor(normals, device)], count, random)]
    if far:
        batches.append(rows(far, count // 2, random))
    yield from learn(
        field, objective, joined(*batches), config.descent, "learning the slope", 0.3 if config.first else 0.0
    )
