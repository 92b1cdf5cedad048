"""DeepSDF for one shape: Park, Florence, Straub, Newcombe and Lovegrove, "DeepSDF: Learning Continuous Signed Distance
Functions for Shape Representation", CVPR 2019, section 3.

A network f regresses the signed distances s of samples x around a closed mesh (eq. 4), clamped so that it spends itself
near the surface:

    mean | clamp(f(x), -delta, delta) - clamp(s(x), -delta, delta) |

Half of a batch is inside. No latent code, no prior: there is one shape.

What differs from the paper, for both starts: signs come from the winding number of the triangles, not from what a
camera sees of them; no dropout, no weight norm, no tanh at the end, which serve many shapes; fewer steps.

`start="published"` keeps its network, which begins as a sphere here, and the deviations of its samples.
`start="sides"` takes a sine network, and samples nearer to the surface.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from isofield.adapt import joined, rows, tensor
from isofield.configs import SdfRegressionConfig
from isofield.losses.signed import clamped
from isofield.methods.learning import fresh_network, learn
from isofield.methods.progress import Progress
from isofield.solids.triangles import indexed, inside_of, nearest_on
from isofield.types import Observation


def fit(observed: Observation, config: SdfRegressionConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The network of one shape, on `device`; every step holds the same network, which goes on learning in place.

    Raises ValueError for points without triangles.
    """
    if observed.triangles is None:
        raise ValueError("no triangles: signed distances are those of a closed mesh")
    random = np.random.default_rng(seed)
    field = fresh_network(config.network, observed.points, seed, device)
    yield Progress("sampling signed distances", 0.0, None)
    x, distance = samples(observed.points, observed.triangles, config, random)
    inner = distance <= 0

    def objective(inside: Tensor, depth: Tensor, outside: Tensor, height: Tensor) -> Tensor:
        value = field(inside), field(outside)
        return (clamped(value[0], depth, config.limit) + clamped(value[1], height, config.limit)) / 2

    halves = [[tensor(x[part], device), tensor(distance[part], device)] for part in (inner, ~inner)]
    batch = joined(*(rows(half, config.descent.batch // 2, random) for half in halves))
    yield from learn(field, objective, batch, config.descent, "learning distances", 0.1)


def samples(
    points: np.ndarray, triangles: np.ndarray, config: SdfRegressionConfig, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Samples (n, 3) about points of the surface and, a few, in the whole cube; their signed distances (n,)."""
    anywhere = random.uniform(-1, 1, (round(config.uniform * config.samples), 3))
    count = config.samples - len(anywhere)
    near = points[random.integers(len(points), size=count)]
    near += random.standard_normal((count, 3)) * np.resize(config.deviations, count)[:, None]
    x = np.concatenate([near, anywhere])
    distance = np.linalg.norm(x - nearest_on(triangles)(x), axis=1)
    return x, np.where(inside_of(*indexed(triangles), outward=False)(x), -distance, distance)
