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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, fresh, joined, rows, tensor
from isofield.configs import Igr
from isofield.fields.gradient import value_and_gradient
from isofield.losses.eikonal import eikonal, normal_l2_loss
from isofield.methods.warm_start import SPACE, descend_from, fresh_network, observation_of
from isofield.sampling.query_points import around
from isofield.types import Batch, FitProgress, Shape


@dataclass(frozen=True)
class IgrMethod:
    """IGR for one shape; the code is the network."""

    config: Igr

    def init(self, shapes: Sequence[Shape], seed: int, device: str) -> nn.Module:
        """A network that begins as a sphere."""
        return fresh_network(self.config.network, observation_of(shapes).points, seed, device)

    def batches(self, shapes: Sequence[Shape], random: np.random.Generator, device: str) -> Batches:
        """Half points with their normals, half queries."""
        observed, config, count = observation_of(shapes), self.config, self.config.optim.batch // 2
        near = around(observed.points, config.neighbour, config.scales)
        known = {"point": tensor(observed.points, device)}
        if observed.normals is not None:
            known["normal"] = tensor(observed.normals, device)

        def queries(count: int) -> dict[str, np.ndarray]:
            anywhere = random.uniform(-SPACE, SPACE, (round(config.uniform * count), 3))
            x = np.concatenate([anywhere, near(random, count - len(anywhere))])
            return {"query": x[random.permutation(count)]}

        return joined(fresh(queries, count, device), rows(known, count, random))

    def losses(self, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The terms of eqs. 1 and 2."""
        value, gradient = value_and_gradient(field, torch.cat([batch["point"], batch["query"]]))
        count = len(batch["point"])
        terms = {
            "surface": value[:count].abs().mean(),
            "eikonal": self.config.eikonal * eikonal(gradient[count:]),
        }
        if "normal" in batch:
            terms["normals"] = self.config.normals * normal_l2_loss(gradient[:count], batch["normal"])
        return terms

    def field(self, code: nn.Module) -> nn.Module:
        """The network itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Descent on the weights."""
        return descend_from(self, shapes, self.config.optim, self.config.warm_start, seed, device)
