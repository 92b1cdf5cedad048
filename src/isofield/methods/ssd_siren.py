"""The smooth grid, refined by a network that learns it.

The grid is `methods.ssd`. A sine network (Sitzmann et al. 2020) is regressed on its values in the band around its
zero set; it evens out the grid's cells and what noise they followed. The grid holds it on a leash (`fields.grid_residual`):
the network adds no component and closes no hole. Measured on two shapes (docs/reconstruction.md): a tie on one with sharp
edges, better normals on a thin one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from isofield.adapt import descend
from isofield.configs import SsdSirenConfig
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.siren import Siren
from isofield.methods import ssd
from isofield.methods.progress import Progress
from isofield.types import Observation


def fit(observed: Observation, config: SsdSirenConfig, seed: int = 0, device: str = "cpu") -> Iterator[Progress]:
    """The field of one shape. Until the network has learned, the best field is the grid."""
    grid = None
    for step in ssd.fit(observed, config.smooth, seed, device):
        grid = step.field
        yield Progress(step.stage, 0.3 * step.fraction, grid, step.noise)
    if isinstance(grid, SparseGrid):
        yield from refine(grid, config, seed, device)


def refine(grid: SparseGrid, config: SsdSirenConfig, seed: int, device: str) -> Iterator[Progress]:
    """The grid with a network that learned it; the last step holds it."""
    generator = torch.Generator().manual_seed(seed)
    x = band(grid, config.samples, generator).to(device)  # (n, 3)
    with torch.no_grad():
        value = torch.cat([grid.to(device)(part) for part in x.split(65_536)]) / grid.cell  # (n,) in cells
    network = Siren(config.width, config.layers, config.w0, generator).to(device)

    def batch(_: int) -> list[torch.Tensor]:
        chosen = torch.randint(len(x), (config.batch,), generator=generator).to(device)
        return [x[chosen], value[chosen]]

    def objective(points: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (network(points) / grid.cell - target).abs().mean()

    steps = descend(
        objective, network.parameters(), batch, config.steps, learning_rate=config.learning_rate, final=config.final
    )
    for index, _ in enumerate(steps):
        yield Progress("refining", 0.3 + 0.7 * index / config.steps, grid)
    yield Progress("refined", 1.0, GridResidual(grid, network))


def band(grid: SparseGrid, count: int, generator: torch.Generator) -> torch.Tensor:
    """Random points (about count, 3) in the finest cells within four cells of the zero set, where the network
    counts."""
    level = grid.levels - 1
    keys, corners = getattr(grid, f"cells_{level}"), getattr(grid, f"corners_{level}")
    close = getattr(grid, f"values_{level}").detach()[corners.long()].abs().amin(1) < 4 * grid.cell
    counts = np.array(grid.shape) * 2**level
    index = torch.as_tensor(np.stack(np.unravel_index(keys[close].cpu().numpy(), counts), 1))
    chosen = torch.randint(len(index), (count,), generator=generator)
    return grid.origin.cpu() + (index[chosen] + torch.rand(count, 3, generator=generator)) * grid.cell
