"""Regression of the signed distance to one closed mesh, with the loss of DeepSDF: Park, Florence, Straub, Newcombe and
Lovegrove, "DeepSDF: Learning Continuous Signed Distance Functions for Shape Representation", CVPR 2019, section 3.

A network f regresses the signed distances s of samples x, clamped so that it spends itself near the surface (eq. 4):

    mean | clamp(f(x), -delta, delta) - clamp(s(x), -delta, delta) |

Half of a batch is inside. There is one shape: no latent code and no prior (`methods.deepsdf` has both).

What differs from the paper: signs come from the winding number of the triangles, not from what cameras see of them; no
dropout, weight norm or final tanh, which serve many shapes.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import Tensor, nn

from isofield.adapt import Batches, joined, rows, tensor
from isofield.configs import SdfRegression
from isofield.losses.signed import clamped
from isofield.methods.network import NetworkMethod
from isofield.solids.triangles import indexed, inside_of, nearest_on
from isofield.types import Batch, Observation


def batches(config: SdfRegression, observed: Observation, random: np.random.Generator, device: str) -> Batches:
    """Samples, half of them inside. Raises ValueError for points without triangles."""
    x, distance = samples(config, observed, random)
    halves = [
        {f"{name}.x": tensor(x[part], device), f"{name}.distance": tensor(distance[part], device)}
        for name, part in (("inside", distance <= 0), ("outside", distance > 0))
    ]
    return joined(*(rows(half, config.optim.batch // 2, random) for half in halves))


def losses(config: SdfRegression, field: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Eq. 4, half of it inside."""
    return {
        name: clamped(field(batch[f"{name}.x"]), batch[f"{name}.distance"], config.clamp) / 2
        for name in ("inside", "outside")
    }


def samples(config: SdfRegression, observed: Observation, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Samples (n, 3), most of them about points of the surface and a few in the whole cube, and their signed
    distances (n,)."""
    if observed.triangles is None:
        raise ValueError("no triangles: signed distances are those of a closed mesh")
    points = observed.points
    anywhere = random.uniform(-1, 1, (round(config.uniform * config.samples), 3))
    count = config.samples - len(anywhere)
    near = points[random.integers(len(points), size=count)]
    near += random.standard_normal((count, 3)) * np.resize(config.deviations, count)[:, None]
    x = np.concatenate([near, anywhere])
    distance = np.linalg.norm(x - nearest_on(observed.triangles)(x), axis=1)
    return x, np.where(inside_of(*indexed(observed.triangles), outward=False)(x), -distance, distance)


def method(config: SdfRegression) -> NetworkMethod:
    """The regression for one closed mesh."""
    return NetworkMethod(config.network, config.optim, None, partial(batches, config), partial(losses, config))
