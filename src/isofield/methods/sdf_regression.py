"""Regression of the signed distance to one closed mesh, with the loss of DeepSDF: Park, Florence, Straub, Newcombe and
Lovegrove, "DeepSDF: Learning Continuous Signed Distance Functions for Shape Representation", CVPR 2019, section 3.

A network f regresses the signed distances s of samples x, clamped so that it spends itself near the surface (eq. 4):

    mean | clamp(f(x), -delta, delta) - clamp(s(x), -delta, delta) |

Half of a batch is inside. There is one shape: no latent code and no prior (`methods.deepsdf` has both).

What differs from the paper: signs come from the winding number of the triangles, not from what cameras see of them; no
dropout, weight norm or final tanh, which serve many shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from isofield.adapt import Batches, joined, rows, tensor
from isofield.configs import SdfRegression
from isofield.losses.signed import clamped
from isofield.methods.warm_start import descend_from, fresh_network, observation_of
from isofield.solids.triangles import inside_of, nearest_on
from isofield.types import Batch, FitProgress, Observation, Shape


@dataclass(frozen=True)
class SdfRegressionMethod:
    """The regression for one closed mesh; the code is the network."""

    config: SdfRegression

    def init(self, shapes: Sequence[Shape], seed: int, device: str) -> nn.Module:
        """A network at its own start."""
        return fresh_network(self.config.network, observation_of(shapes).points, seed, device)

    def batches(self, shapes: Sequence[Shape], random: np.random.Generator, device: str) -> Batches:
        """Samples, half of them inside. Raises ValueError for points without triangles."""
        x, distance = self.samples(observation_of(shapes), random)
        halves = [
            {f"{name}.x": tensor(x[part], device), f"{name}.distance": tensor(distance[part], device)}
            for name, part in (("inside", distance <= 0), ("outside", distance > 0))
        ]
        return joined(*(rows(half, self.config.optim.batch // 2, random) for half in halves))

    def samples(self, observed: Observation, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Samples (n, 3), most of them about points of the surface and a few in the whole cube, and their signed
        distances (n,)."""
        if observed.triangles is None:
            raise ValueError("no triangles: signed distances are those of a closed mesh")
        config, points = self.config, observed.points
        anywhere = random.uniform(-1, 1, (round(config.uniform * config.samples), 3))
        count = config.samples - len(anywhere)
        near = points[random.integers(len(points), size=count)]
        near += random.standard_normal((count, 3)) * np.resize(config.deviations, count)[:, None]
        x = np.concatenate([near, anywhere])
        distance = np.linalg.norm(x - nearest_on(observed.triangles)(x), axis=1)
        return x, np.where(inside_of(observed.triangles)(x), -distance, distance)

    def losses(self, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Eq. 4, half of it inside."""
        return {
            name: clamped(field(batch[f"{name}.x"]), batch[f"{name}.distance"], self.config.clamp) / 2
            for name in ("inside", "outside")
        }

    def field(self, code: nn.Module) -> nn.Module:
        """The network itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Descent on the weights."""
        return descend_from(self, shapes, self.config.optim, None, seed, device)
