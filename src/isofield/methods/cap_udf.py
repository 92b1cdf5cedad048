"""CAP-UDF: Zhou, Ma, Liu, Fang and Han, "Learning Consistency-Aware Unsigned Distance Functions Progressively from Raw
Point Clouds", NeurIPS 2022.

The field is an unsigned distance |f|, so that a surface may be open. Queries q are moved onto the surface along its
gradient, and learn as a set from the points P (eqs. 1 and 3, the field consistency loss):

    q' = q - |f(q)| grad |f|(q) / |grad |f|(q)|
    mean_q  min_p |q' - p|  +  cover * mean_p  min_q |q' - p|

The nearest point of q' decides, not that of q as in Neural-Pull: queries of one place agree, wherever they began.
After the first stage moved queries with a small |f| join the points, and a second stage learns from both (progressive
surface approximation). Without a warm start f begins as the signed distance to a sphere, as in the released code.

What differs from the paper:

- a hash grid by default, which learns a crease in few steps;
- a warm start: f gets two sides from the normals of the points, so that |f| has its crease at the surface from the
  start. Where normals cannot agree, at a seam of a band of Moebius or where sheets cross, |f| has to learn it;
- fresh queries every step; the nearest point of q' is one of all points, the nearest q' of p one of the batch; moved
  queries are random ones, in place of a Poisson disk sample;
- the mesh's signs come from the axis that most gradients of a cell share (`surfaces.unsigned`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, descend_batches, fresh, tensor
from isofield.configs import CapUdf as Settings
from isofield.configs import Optim
from isofield.fields.evaluation import value_and_gradient
from isofield.fields.serialization import network
from isofield.fields.unsigned import Unsigned
from isofield.kdtree import KDTree, nearest
from isofield.losses.pull import EPSILON, pulled
from isofield.points import oriented_points
from isofield.sampling.query_points import around, rough_distance
from isofield.stopwatch import staged
from isofield.types import Batch, FitProgress, Observation, Shape

CHUNK = 65_536
"""Queries that are moved at once."""


@dataclass(frozen=True, eq=False)
class CapUdf:
    """CAP-UDF for one shape; the code is the field."""

    config: Settings

    def field(self, code: Unsigned) -> Unsigned:
        """The field itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[Unsigned]]:
        """Descends the loss on the points, then on denser ones."""
        config, random, observed = self.config, np.random.default_rng(seed), shapes[0].observed
        points = observed.points
        radius = float(np.ptp(points, axis=0).max()) / 2
        given, generator = config.network, torch.Generator().manual_seed(seed)
        made = network(given.kind, given.width, given.layers, given.w0, given.activation, radius, generator)
        field, denser, begun = Unsigned(made.to(device)), points, 0.0
        if (warm := config.warm_start) is not None:
            yield FitProgress("finding the orientation", 0.0)
            begun = 0.3
            steps = self._sided(field, observed, warm, seed, random, device)
            for index, terms in enumerate(staged("warm start", steps)):
                yield FitProgress("learning two sides", begun * (index + 1) / warm.steps, field, losses=terms)
        for stage in range(config.stages):
            if stage:
                denser = np.concatenate([points, self._moved(field, points, random, device)])
            tree = KDTree(denser)

            def losses(batch: Batch, tree: KDTree = tree) -> dict[str, Tensor]:
                return self._losses(field, batch, tree)

            steps = descend_batches(losses, field.parameters(), self._batches(denser, random, device), config.optim)
            for index, terms in enumerate(staged("descent", steps)):
                done = begun + (1 - begun) * (stage + (index + 1) / config.optim.steps) / config.stages
                yield FitProgress("fitting", done, field, losses=terms)

    def _sided(
        self, field: Unsigned, observed: Observation, warm: Optim, seed: int, random: np.random.Generator, device: str
    ) -> Iterator[dict[str, float]]:
        """Regresses the network onto the distance, with the sign of the side of the nearest point's normal."""
        oriented = oriented_points(observed, seed)
        near = around(observed.points, self.config.neighbour, self.config.scales)

        def sided(count: int) -> dict[str, np.ndarray]:
            x = near(random, count)
            return {"x": x, "distance": rough_distance(oriented, x, open_=True)}

        def rough(batch: Batch) -> dict[str, Tensor]:
            return {"rough": (field.network(batch["x"]) - batch["distance"]).abs().mean()}

        return descend_batches(rough, field.parameters(), fresh(sided, warm.batch, device), warm)

    def _batches(self, points: np.ndarray, random: np.random.Generator, device: str) -> Batches:
        """Queries, and the points nearest to them."""
        near, tree = around(points, self.config.neighbour, self.config.scales), KDTree(points)

        def queries(count: int) -> dict[str, np.ndarray]:
            x = near(random, count)
            return {"query": x, "nearest": points[nearest(tree, x)[1]]}

        return fresh(queries, self.config.optim.batch, device)

    def _losses(self, field: nn.Module, batch: Batch, tree: KDTree) -> dict[str, Tensor]:
        """The field consistency loss."""
        there = pulled(batch["query"], *value_and_gradient(field, batch["query"]))
        met = tensor(tree.data[tree.query(there.detach().cpu().numpy())[1]], str(there.device))
        terms = {"moved": _length(there - met).mean()}
        if self.config.cover:
            target = batch["nearest"]
            closest = torch.cdist(target, there.detach()).argmin(1)
            terms["cover"] = self.config.cover * _length(there[closest] - target).mean()
        return terms

    def _moved(self, field: nn.Module, points: np.ndarray, random: np.random.Generator, device: str) -> np.ndarray:
        """Moved queries (m, 3) that are near the surface, before and after."""
        draw = around(points, self.config.neighbour, (min(self.config.scales),))
        made = [torch.zeros(0, 3)]
        for x in tensor(draw(random, round(self.config.denser * len(points))), device).split(CHUNK):
            with torch.no_grad():
                value, gradient = value_and_gradient(field, x)
            made.append(pulled(x, value, gradient)[value < self.config.near].cpu())
        return torch.cat(made).double().numpy()


def _length(difference: Tensor) -> Tensor:
    """(n,) of (n, 3)."""
    return (difference.square().sum(-1) + EPSILON).sqrt()
