"""A few steps from the answer of a linear space: what MetaSDF does (`methods.metasdf`), for the detail alone.

The linear space (`methods.linear`) is learned first and stays as it is; the code z of a shape is the solution of its
convex problem. A small network g with weights theta corrects its volume V,

    f(x; z, theta) = V(x; z) + 0.1 g(V around x, x; theta)

(`fields.meta_pca`), and theta takes a few learned steps from learned weights towards the samples of the shape, on the
clamped distances of DeepSDF (Park et al. 2019, eq. 4). The code of a shape is z and theta.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import noted_codes, tensor, unroll_finite
from isofield.configs import MetaLinear as Config
from isofield.fields.decoder import LatentField
from isofield.fields.meta_network import MetaNetwork
from isofield.fields.meta_pca import MetaPca
from isofield.fields.pca_mlp import INPUTS
from isofield.fields.weight_network import WeightNetwork
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.linear import LinearSpace
from isofield.sampling.tasks import drawn, note_of
from isofield.threads import deterministic, parallel_map
from isofield.types import DIVERGED, LOGGED, Batch, FitProgress, ProgressCallback, Shape


@dataclass(frozen=True, eq=False)
class Adapted:
    """Codes z (b, l) and weights theta (b, p) after the inner steps. diverged: how many shapes kept the first ones."""

    z: Tensor
    theta: Tensor
    diverged: int


@dataclass(frozen=True)
class MetaLinearSpace:
    """A linear space and a network that corrects it after a few steps (`MetaPca`); the table holds the z."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = True

    @property
    def linear(self) -> LinearSpace:
        """The linear space below the network."""
        coarse = self._both.coarse
        return LinearSpace(self.config.linear, coarse, self.table[:, : coarse.length])

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> MetaLinearSpace:
        """The linear space of all shapes, and a network that is zero."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        linear = LinearSpace(config.linear).start(shapes, seed, report)
        network = WeightNetwork(INPUTS, config.network.dims, 1, config.network.activation, w0=config.network.w0)
        first = network.small_weights(generator)
        count = config.steps if config.rates.per_step else 1
        meta = MetaNetwork.begun(network, first, config.rates.initial, config.rates.per, count, config.rates.positive)
        meta.steps.requires_grad_(config.rates.learned)
        return replace(self, module=MetaPca(linear.grid, meta), table=linear.table)

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Context and query."""
        tasks = self.config.tasks
        return drawn(shape, tasks.context, tasks.query, random, inside=tasks.inside)

    def init(self, batch: Batch) -> Adapted:
        """The inner steps from the first weights."""
        z = self.table[batch["row"]]
        order = 1 if self.config.first_order else 2
        theta, diverged = self._adapted(batch["context"], batch["context_value"], z, self.config.steps, order)
        return Adapted(z, theta, diverged)

    def _adapted(self, x: Tensor, distance: Tensor, z: Tensor, steps: int, order: int) -> tuple[Tensor, int]:
        """The weights (b, p) after inner steps on samples x (b, n, 3) and their distances; how many shapes diverged."""
        both, meta = self._both, self._both.meta
        with torch.no_grad():
            value, seen = both.seen(x, z)

        def loss(theta: Tensor, rows: Tensor) -> Tensor:
            return self._error(both.corrected(value[rows], seen[rows], theta), distance[rows])

        return unroll_finite(loss, meta.start.expand(len(x), -1), meta.rates(steps), order=order)

    def losses(self, code: Adapted, batch: Batch) -> dict[str, Tensor]:
        """The clamped error on the query, summed over the shapes."""
        with torch.no_grad():
            start, seen = self._both.seen(batch["query"], code.z)
        value = self._both.corrected(start, seen, code.theta)
        wrong = (value.detach() < 0) != (batch["query_value"] < 0)
        return {
            "outer": self._error(value, batch["query_value"]).sum(),
            f"{LOGGED}misclassified": wrong.float().mean(1).sum(),
            f"{LOGGED}start": self._error(start, batch["query_value"]).sum(),
            DIVERGED: value.new_tensor(float(code.diverged)),
        }

    def _error(self, value: Tensor, distance: Tensor) -> Tensor:
        """The clamped errors, means (b,)."""
        limit = self.config.clamp
        return (value.clamp(-limit, limit) - distance.clamp(-limit, limit)).abs().mean(1)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table, and the weights of each shape."""
        with deterministic():
            rows = zip(self.table, shapes, strict=True)
            return torch.stack(parallel_map(lambda row: self._with_weights(*row, seed=0)[0], list(rows)))

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The solution of the linear space, and the weights after the inner steps from there."""
        config = self.config
        quick = replace(config.linear, evidence=config.infer_evidence, rounds=config.infer_rounds)
        linear = replace(self.linear, config=quick)

        def code(shape: Shape) -> tuple[Tensor, str]:
            return self._with_weights(linear.solve(shape.sdf, device=device), shape, seed)

        yield noted_codes(code, shapes)

    def _with_weights(self, z: Tensor, shape: Shape, seed: int) -> tuple[Tensor, str]:
        """The code (l + p,) of a shape whose volume has the code z (l,), and a note where it is doubtful."""
        config, tasks = self.config, self.config.tasks
        context = drawn(shape, tasks.infer_context, 0, np.random.default_rng(seed), inside=tasks.inside)
        x, distance = (tensor(context[name], str(z.device))[None] for name in ("context", "context_value"))
        theta, diverged = self._adapted(x, distance, z[None], config.infer_steps, 0)
        note = "the inner steps diverge, and the first weights are taken" if diverged else note_of(shape, tasks)
        return torch.cat([z, theta[0].detach()]), note

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z, theta)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The codes of the linear space, with the first weights: a part says too little of the detail."""
        z = self.linear.complete(shape, count, random)
        return torch.cat([z, self._both.meta.start.detach().expand(len(z), -1)], 1)

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        return refined_by_grid(self.field(code), shape.sdf)

    @property
    def _both(self) -> MetaPca:
        return cast(MetaPca, self.module)
