"""A compact space: principal components on a coarse grid, and a small network that corrects them.

The linear space (`methods.linear`) is learned first and stays as it is, with its codes z_i. Then the network g of

    f(x; z) = V(x; z) + 0.1 g(V around x, x, z)

(`fields.pca_mlp`) learns DeepSDF's clamped distances (Park et al. 2019, eq. 4) over all shapes, half of the samples
inside. g sees the volume V around a point, not the code alone: what it learns about a blurred edge of one shape holds
for every edge, and so for the codes of unseen shapes. Those are the solution of the linear space's convex problem,
followed by a short descent on z through f.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import balanced as balanced_batches
from isofield.adapt import codes_of, cosine_rates, descend_code
from isofield.configs import PcaMlp as Config
from isofield.fields.decoder import LatentField
from isofield.fields.pca_mlp import PcaMlp
from isofield.losses.signed import clamped, lower_bounded
from isofield.methods.grid_fit import refined_by_grid
from isofield.methods.linear import LinearSpace
from isofield.sampling.balanced import balanced
from isofield.types import Batch, FitProgress, ProgressCallback, Shape


@dataclass(frozen=True)
class PcaMlpSpace:
    """A linear space with a network on it; the network alone is trained."""

    config: Config
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = True

    @property
    def linear(self) -> LinearSpace:
        """The linear space below the network."""
        return LinearSpace(self.config.linear, cast(PcaMlp, self.module).coarse, self.table)

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> PcaMlpSpace:
        """The linear space of all shapes, and a network that is zero."""
        linear = LinearSpace(self.config.linear).start(shapes, seed, report)
        generator = torch.Generator().manual_seed(seed)
        module = PcaMlp(linear.grid, self.config.dims, self.config.lead, generator)
        return replace(self, module=module, table=linear.table)

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table."""
        return self.table

    def draw(self, shape: Shape, random: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Fresh samples, half of them inside."""
        return balanced(shape.sdf, self.config.samples, random)

    def init(self, batch: Batch) -> Tensor:
        """Rows of the table."""
        return self.table[batch["row"]]

    def losses(self, code: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The clamped error of codes (b, l), summed over the shapes."""
        value = self.module(batch["points"], code)
        return {"distance": len(code) * clamped(value.float(), batch["distance"], self.config.clamp)}

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l) of the linear space, and a short descent from each."""
        rates, linear = cosine_rates(self.config.infer_rate, self.config.infer_steps), self.linear

        def code(shape: Shape) -> Tensor:
            start, random = linear.solve(shape.sdf, device=device), np.random.default_rng(seed)
            batches = balanced_batches(shape.sdf, self.config.infer_samples, random, device)
            return descend_code(self._objective, start, batches, rates)

        yield FitProgress("inferring codes", 1.0, codes_of(code, shapes))

    def _objective(self, z: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The clamped error of a code z (l,)."""
        value = self.module(batch["points"][None], z[None])[0]
        distance = lower_bounded(value.detach(), batch["distance"], batch.tensors.get("free"))
        return {"distance": clamped(value, distance, self.config.clamp)}

    def field(self, code: Tensor) -> nn.Module:
        """f(.; z)."""
        return LatentField(self.module, code)

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The codes of the linear space."""
        return self.linear.complete(shape, count, random)

    def refine(self, code: Tensor, shape: Shape) -> nn.Module:
        """The field, bent towards the samples on a grid."""
        return refined_by_grid(self.field(code), shape.sdf)
