"""SIREN: Sitzmann, Martel, Bergman, Lindell and Wetzstein, "Implicit Neural Representations with Periodic Activation
Functions", NeurIPS 2020: the experiment on signed distance functions.

A sine network f of oriented points p with normals n (section 4.2, eq. 6), queries q anywhere in the cube:

    3000 |f(p)|  +  100 (1 - cos(grad f(p), n))  +  50 | |grad f| - 1 |  +  100 exp(-100 |f(q)|)

What differs from the paper: where the input has no normals, they are estimated and oriented (`points.normals`), since
without them the experiment has no inside.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, fresh, joined, rows, tensor
from isofield.configs import Siren
from isofield.fields.evaluation import value_and_gradient
from isofield.losses.eikonal import eikonal_l1, normal_cosine_loss, off_surface_penalty
from isofield.methods.network import NetworkMethod
from isofield.points import orient
from isofield.sampling.query_points import SPACE
from isofield.types import Batch, Observation


def batches(config: Siren, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Half points with their normals, half queries."""
    count = config.optim.batch // 2
    points, normals = observed.points, observed.normals
    if normals is None:
        oriented = orient(points, None, observed.noise)
        points, normals = oriented.points, oriented.normals

    def queries(count: int) -> dict[str, np.ndarray]:
        return {"query": random.uniform(-SPACE, SPACE, (count, 3))}

    known = {"point": tensor(points, device), "normal": tensor(normals, device)}
    return joined(fresh(queries, count, device), rows(known, count, random))


def losses(config: Siren, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The terms of eq. 6."""
    count = len(batch["point"])
    value, gradient = value_and_gradient(field, torch.cat([batch["point"], batch["query"]]))
    return {
        "surface": config.on_surface * value[:count].abs().mean(),
        "normals": config.on_normals * normal_cosine_loss(gradient[:count], batch["normal"]),
        "eikonal": config.eikonal * eikonal_l1(gradient),
        "off_surface": config.off_surface * off_surface_penalty(value[count:], config.sharpness),
    }


def method(config: Siren) -> NetworkMethod:
    """SIREN's experiment for one shape."""
    return NetworkMethod(
        config.network, config.optim, config.warm_start, partial(batches, config), partial(losses, config)
    )
