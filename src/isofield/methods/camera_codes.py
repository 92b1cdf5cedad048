"""A linear space of shapes as cameras see them: the grids of shapes, turned into the cameras of their pictures.

A shape that is turned is another shape to a linear space, so that every picture has a code of its own, and shapes need
not be aligned with each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isofield.configs import Linear
from isofield.fields.pca_basis import best_axes, components
from isofield.fields.pca_grid import PcaGrid
from isofield.methods.linear import grid_of
from isofield.methods.pictured import turn_of
from isofield.threads import deterministic, parallel_map
from isofield.types import ProgressCallback, Shape


def turns_of(shape: Shape) -> np.ndarray:
    """The rotations (v, 3, 3) from a shape to the cameras of its pictures: right, up, toward the viewer."""
    return np.stack([turn_of(camera) for camera in shape.rows["cameras"]])


def turned(grid: np.ndarray, turns: np.ndarray) -> Tensor:
    """A grid (side, side, side) over the cube from -1 to 1, turned by rotations (v, 3, 3): (v, side, side, side).
    Beyond the cube its values at the border count."""
    axis = torch.linspace(-1, 1, len(grid))
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    there = torch.einsum("xyzk,vkj->vxyzj", nodes, torch.tensor(turns, dtype=torch.float32))
    every = torch.as_tensor(grid)[None, None].expand(len(turns), 1, -1, -1, -1)
    return nn.functional.grid_sample(every, there.flip(-1), padding_mode="border", align_corners=True)[:, 0]


def camera_codes(
    shapes: Sequence[Shape], config: Linear, seed: int, report: ProgressCallback
) -> tuple[PcaGrid, Tensor]:
    """The principal components of shapes with cameras, turned into these, and the codes (k, l) of all pictures, those
    of the first shape first.

    The components are taken of at most `most` pictures, equally many of each shape, chosen at random. Codes are least
    squares over the grid.
    """
    grids = np.empty((len(shapes), *(config.cells + 1,) * 3), np.float32)
    turns = [turns_of(shape) for shape in shapes]

    def fit(row: int) -> None:
        report(f"fitting the grids of {len(shapes)} shapes", row / len(shapes))
        grids[row] = grid_of(shapes[row], config)

    with deterministic():
        parallel_map(fit, range(len(shapes)))
        report(f"taking the components of {len(shapes)} shapes", 0.0)
        random, most = np.random.default_rng(seed), max(config.most // len(shapes), 1)
        some = [turned(grid, random.permutation(own)[:most]) for grid, own in zip(grids, turns, strict=True)]
        room, chosen = (config.length, config.megabytes), torch.cat(some).numpy()
        named = best_axes(chosen, *room) if config.mirror == "auto" else [*map("xyz".index, config.mirror.strip("-"))]
        space = components(chosen, named, *room)
        mean, *rows = space.volume(torch.cat([torch.zeros(1, space.length), torch.eye(space.length)]))
        basis = torch.stack(rows) - mean  # (l, k)
        inverse = torch.linalg.inv((basis @ basis.T).double()).float() @ basis

        def code(row: int) -> Tensor:
            report(f"solving for the codes of {len(shapes)} shapes", row / len(shapes))
            return (turned(grids[row], turns[row]).flatten(1) - mean) @ inverse.T

        return space, torch.cat(parallel_map(code, range(len(shapes))))
