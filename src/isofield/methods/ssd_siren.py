"""The grid of the smoothed signed distance, refined by a network that learns it.

The grid is `methods.ssd`. A sine network (Sitzmann et al. 2020) is regressed on its values in the band around its zero
set; it smooths the grid's cells and the noise that they followed. The network may only correct the grid
(`fields.grid_residual`): it adds no component and closes no hole. On two shapes: a tie on one with sharp edges,
better normals on a thin one (docs/reconstruction.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from isofield.adapt import Batches, descend_batches
from isofield.configs import SsdSiren
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.siren import Siren
from isofield.methods.ssd import SsdMethod
from isofield.stopwatch import staged
from isofield.types import Batch, FitProgress, Shape

BAND = 4
"""Cells from the zero set, in which the network counts."""
AT_ONCE = 65_536
"""Points at which the grid is evaluated at a time."""


@dataclass(frozen=True)
class SsdSirenMethod:
    """The grid and its network, for one shape; the code is the field. Until the network has learned it is the grid."""

    config: SsdSiren

    def field(self, code: nn.Module) -> nn.Module:
        """The field itself."""
        return code

    def infer(self, shapes: Sequence[Shape], seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """Solves for the grid, then descends on the network."""
        grid = None
        even = replace(self.config.grid, further=0)  # the network learns the band of one size of cells
        for stage in SsdMethod(even).infer(shapes, seed, device):
            grid = None if stage.code is None else SparseGrid.of(stage.code)
            yield FitProgress(stage.stage, 0.3 * stage.fraction, grid, stage.noise, stage.turned)
        assert grid is not None
        yield from self.refine(grid, seed, device)

    def refine(self, grid: SparseGrid, seed: int, device: str) -> Iterator[FitProgress[nn.Module]]:
        """The grid with a network that learned it; the last progress holds it."""
        config, generator = self.config, torch.Generator().manual_seed(seed)
        x = band(grid, config.samples, generator).to(device)  # (n, 3)
        with torch.no_grad():
            value = torch.cat([grid.to(device)(part) for part in x.split(AT_ONCE)]) / grid.cell  # (n,) in cells
        network = Siren(config.network.width, config.network.layers, config.network.w0, generator).to(device)

        def losses(batch: Batch) -> dict[str, Tensor]:
            return {"distance": (network(batch["x"]) / grid.cell - batch["value"]).abs().mean()}

        steps = descend_batches(losses, network.parameters(), self._batches(x, value, generator), config.optim)
        for index, terms in enumerate(staged("descent", steps)):
            yield FitProgress("refining", 0.3 + 0.7 * index / config.optim.steps, grid, losses=terms)
        yield FitProgress("refined", 1.0, GridResidual(grid, network))

    def _batches(self, x: Tensor, value: Tensor, generator: torch.Generator) -> Batches:
        def batch(step: int) -> Batch:
            chosen = torch.randint(len(x), (self.config.optim.batch,), generator=generator).to(x.device)
            return Batch({"x": x[chosen], "value": value[chosen]}, step + 1)

        return batch


def band(grid: SparseGrid, count: int, generator: torch.Generator) -> Tensor:
    """Random points (about count, 3) in the finest cells within `BAND` cells of the zero set."""
    level = grid.levels - 1
    keys, corners = getattr(grid, f"cells_{level}"), getattr(grid, f"corners_{level}")
    close = getattr(grid, f"values_{level}").detach()[corners.long()].abs().amin(1) < BAND * grid.cell
    counts = np.array(grid.shape) * 2**level
    index = torch.as_tensor(np.stack(np.unravel_index(keys[close].cpu().numpy(), counts), 1))
    chosen = torch.randint(len(index), (count,), generator=generator)
    return grid.origin.cpu() + (index[chosen] + torch.rand(count, 3, generator=generator)) * grid.cell
