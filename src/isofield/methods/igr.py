"""IGR: Gropp, Yariv, Haim, Atzmon and Lipman, "Implicit Geometric Regularization for Learning Shapes", ICML 2020.

A field f that is zero on the points p, has their normals n where those are known, and has unit gradient at queries q
(eqs. 1 and 2):

    mean |f(p)|  +  normals * mean |grad f(p) - n|  +  eikonal * mean (|grad f(q)| - 1)^2

The queries lie around the points, as far as the k-th neighbour, and an eighth of them anywhere in the cube. f begins as
the signed distance to a sphere.

What differs from the paper: the points are normalised, so that the sphere at the start has about their size; the
deviation of q belongs to their positions alone (the released code measures it between points with their normals).
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, fresh, joined, rows, tensor
from isofield.configs import Igr
from isofield.fields.evaluation import value_and_gradient
from isofield.losses.eikonal import eikonal, normal_l2_loss
from isofield.methods.network import NetworkMethod
from isofield.sampling.query_points import SPACE, around
from isofield.types import Batch, Observation


def batches(config: Igr, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Half points with their normals, half queries."""
    count = config.optim.batch // 2
    near = around(observed.points, config.neighbour, config.scales)
    known = {"point": tensor(observed.points, device)}
    if observed.normals is not None:
        known["normal"] = tensor(observed.normals, device)

    def queries(count: int) -> dict[str, np.ndarray]:
        anywhere = random.uniform(-SPACE, SPACE, (round(config.uniform * count), 3))
        x = np.concatenate([anywhere, near(random, count - len(anywhere))])
        return {"query": x[random.permutation(count)]}

    return joined(fresh(queries, count, device), rows(known, count, random))


def losses(config: Igr, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The terms of eqs. 1 and 2."""
    value, gradient = value_and_gradient(field, torch.cat([batch["point"], batch["query"]]))
    count = len(batch["point"])
    terms = {
        "surface": value[:count].abs().mean(),
        "eikonal": config.eikonal * eikonal(gradient[count:]),
    }
    if "normal" in batch:
        terms["normals"] = config.on_normals * normal_l2_loss(gradient[:count], batch["normal"])
    return terms


def method(config: Igr) -> NetworkMethod:
    """IGR for one shape."""
    return NetworkMethod(
        config.network, config.optim, config.warm_start, partial(batches, config), partial(losses, config)
    )
