"""SIREN: Sitzmann, Martel, Bergman, Lindell and Wetzstein, "Implicit Neural Representations with Periodic Activation
Functions", NeurIPS 2020: the experiment on signed distance functions.

A sine network f of oriented points p with normals n (section 4.2, eq. 6), queries q anywhere in the cube:

    3000 |f(p)|  +  100 (1 - cos(grad f(p), n))  +  50 | |grad f| - 1 |  +  100 exp(-100 |f(q)|)

What differs from the paper: where the input has no normals, they are estimated and oriented (`points.normals`), since
without them the experiment has no inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, fresh, joined, rows, tensor
from isofield.configs import Siren
from isofield.fields.gradient import value_and_gradient
from isofield.losses.eikonal import eikonal_l1, normal_cosine_loss, off_surface_penalty
from isofield.methods.warm_start import SPACE, descend_from, fresh_network, observation_of
from isofield.points.normals import orient
from isofield.types import Batch, FitProgress, Shape


@dataclass(frozen=True)
class SirenMethod:
    """SIREN for one shape; the code is the network."""

    config: Siren

    def init(self, shapes: Sequence[Shape], seed: int, device: str) -> nn.Module:
        """A network at its own start."""
        return fresh_network(self.config.network, observation_of(shapes).points, seed, device)

    def batches(self, shapes: Sequence[Shape], random: np.random.Generator, device: str) -> Batches:
        """Half points with their normals, half queries."""
        observed, count = observation_of(shapes), self.config.optim.batch // 2
        points, normals = observed.points, observed.normals
        if normals is None:
            oriented = orient(points, None, observed.noise)
            points, normals = oriented.points, oriented.normals

        def queries(count: int) -> dict[str, np.ndarray]:
            return {"query": random.uniform(-SPACE, SPACE, (count, 3))}

        known = {"point": tensor(points, device), "normal": tensor(normals, device)}
        return joined(fresh(queries, count, device), rows(known, count, random))

    def losses(self, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The terms of eq. 6."""
        config, count = self.config, len(batch["point"])
        value, gradient = value_and_gradient(field, torch.cat([batch["point"], batch["query"]]))
        return {
            "surface": config.surface * value[:count].abs().mean(),
            "normals": config.normals * normal_cosine_loss(gradient[:count], batch["normal"]),
            "eikonal": config.eikonal * eikonal_l1(gradient),
            "off_surface": config.off_surface * off_surface_penalty(value[count:], config.sharpness),
        }

    def field(self, code: nn.Module) -> nn.Module:
        """The network itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Descent on the weights."""
        return descend_from(self, shapes, self.config.optim, self.config.warm_start, seed, device)
