"""A linear space of shapes: principal components of truncated signed distances, codes by robust least squares.

Every shape i gives a grid g_i of its distances, truncated at +-limit, from its samples (`methods.grid_fit`). With the
mean m and the principal components b_l of the grids, each as large as its deviation (so that codes are white),

    f(x; z) = m(x) + sum_l z_l b_l(x),      z = argmin mean |f(x_j; z) - clamp(s_j)| + ridge |z|^2

over samples (x_j, s_j). The problem is convex: no start and no local optimum decide. What a code cannot hold of an
unseen shape, a residual grid beside it does: the stiffest one that agrees with the samples.

Principal components of distance fields are those of Leventon, Grimson and Faugeras 2000 ("Statistical Shape Influence
in Geodesic Active Contours"); here they are taken of the shapes and, where that helps, of their mirror images
(`fields.pca_basis`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import codes_of, posterior, robust_least_squares
from isofield.configs import Linear
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_warp import warped
from isofield.fields.pca_basis import best_axes, components
from isofield.fields.pca_grid import PcaGrid
from isofield.methods.grid_fit import gridded, residual, smoothed
from isofield.rows import evenly
from isofield.threads import deterministic, parallel_map
from isofield.types import FitProgress, ProgressCallback, SdfSamples, Shape


@dataclass(frozen=True)
class LinearSpace:
    """Principal components on a grid (`PcaGrid`); `start` solves for all of it."""

    config: Linear
    module: nn.Module = field(default_factory=nn.Module)
    table: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    posterior: ClassVar[bool] = True

    @property
    def grid(self) -> PcaGrid:
        """The mean and the components."""
        return cast(PcaGrid, self.module)

    def start(self, shapes: Sequence[Shape], seed: int, report: ProgressCallback) -> LinearSpace:
        """The components of the training shapes' grids, and their codes."""
        config, count = self.config, len(shapes)
        side = config.cells + 1
        chosen = evenly(count, config.most)
        copies = min(config.warps * len(chosen), config.most - len(chosen))
        grids = np.empty((len(chosen) + copies, side, side, side), np.float32)

        def fit(row: int) -> None:
            report(f"fitting the grids of {len(chosen)} shapes", row / len(chosen))
            grids[row] = grid_of(shapes[chosen[row]], config)

        def warp(copy: int) -> None:
            report(f"warping {len(chosen)} shapes", copy / copies)
            random = np.random.default_rng([seed, copy])
            grids[len(chosen) + copy] = warped(grids[copy % len(chosen)], config.limit, random)

        with deterministic():
            parallel_map(fit, range(len(chosen)))
            parallel_map(warp, range(copies))
            report(f"taking the components of {len(chosen)} shapes", 0.0)
            room = config.length, config.megabytes
            named = (
                [*map("xyz".index, config.mirror.strip("-"))]
                if config.mirror != "auto"
                else best_axes(grids, *room, shapes=len(chosen))
            )
            space = replace(self, module=components(grids, named, *room))
        codes = torch.empty(count, space.grid.length)

        def code(row: int) -> None:
            report(f"solving for the codes of {count} shapes", row / count)
            codes[row] = space.solve(_first(shapes[row].sdf, config.evidence // 2), config.rounds // 2)

        with deterministic():
            parallel_map(code, range(count))
        return replace(space, table=codes)

    def solve(self, samples: SdfSamples, rounds: int | None = None, device: str = "cpu") -> Tensor:
        """The code (l,) of a shape."""
        a, b, free = self._equations(samples.part(0, self.config.evidence), device)
        return robust_least_squares(a, b, self.config.ridge, rounds=rounds or self.config.rounds, free=free)[0]

    def _equations(self, samples: SdfSamples, device: str = "cpu") -> tuple[Tensor, Tensor, Tensor | None]:
        """A (n, l) and b (n,) with A z = b for the code z of the samples, and which (n,) of them want A z >= b."""
        features = self.grid.features(torch.tensor(samples.points, dtype=torch.float32, device=device))  # (n, 1 + l)
        value = np.clip(samples.distance, -self.config.limit, self.config.limit)
        free = None if samples.free is None else torch.as_tensor(samples.free, device=device)
        b = torch.tensor(value, dtype=torch.float32, device=device) - features[:, 0]
        return features[:, 1:], b, free

    def codes(self, shapes: Sequence[Shape]) -> Tensor:
        """The table."""
        return self.table

    def infer(self, shapes: Sequence[Shape], seed: int = 0, device: str = "cpu") -> Iterator[FitProgress[Tensor]]:
        """The codes (b, l), solved for."""
        yield FitProgress("inferring codes", 1.0, codes_of(lambda shape: self.solve(shape.sdf, device=device), shapes))

    def field(self, code: Tensor) -> SparseGrid:
        """f(.; z), cubic near the surface."""
        return smoothed(self.grid.volume(code[None])[0].numpy())

    def complete(self, shape: Shape, count: int, random: torch.Generator) -> Tensor:
        """The most probable code, and draws of the posterior (`adapt.posterior`)."""
        with deterministic():
            a, b, free = self._equations(shape.sdf)
            return posterior(a, b, self.table, count, random, free)

    def refine(self, code: Tensor, shape: Shape) -> SparseGrid:
        """The grid that bends least from the code's towards the samples, and finer levels of it."""
        with deterministic():
            values = self.grid.volume(code[None])[0].numpy()
            return residual(shape.sdf.part(0, self.config.detail), values, self.config)


def grid_of(shape: Shape, config: Linear) -> np.ndarray:
    """The grid (cells + 1, cells + 1, cells + 1) of a shape's truncated distances, float32."""
    samples = _first(shape.sdf, config.samples)
    values = gridded(samples, config.cells, config.limit, config.stiffness, config.iterations)
    return values.reshape((config.cells + 1,) * 3)


def _first(samples: SdfSamples, count: int) -> SdfSamples:
    """The first samples, float32 in memory."""
    part = samples.part(0, count)
    return SdfSamples(np.array(part.points, np.float32), np.array(part.distance, np.float32))
