"""The evaluation of a field's module on any device."""

from __future__ import annotations

import copy
from itertools import chain

import numpy as np
import torch
from torch import nn

from isofield.errors import InputError
from isofield.fields.array_grid import ArrayGrid
from isofield.fields.evaluation import value
from isofield.fields.grid import SparseGrid
from isofield.fields.grid_residual import GridResidual
from isofield.fields.triangles import Triangles
from isofield.threads import parallel_map, ranges, single_threaded

BATCH = 4096
"""Points that one thread evaluates at a time."""
CPU = torch.device("cpu")
Copies = dict[torch.device, nn.Module]
"""Copies of a module on other devices than its own."""


def grid_of(module: nn.Module) -> ArrayGrid | None:
    """The grid that a field is, or that a network refines; None for another field."""
    grid = module.grid if isinstance(module, GridResidual) else module
    return grid.arrays() if isinstance(grid, SparseGrid) else None


def on_device(module: nn.Module, device: torch.device, copies: Copies) -> nn.Module:
    """The module itself where its tensors are on `device`, else its copy there, which is made once.

    Raises InputError for a module of another device whose weights require a gradient: a copy would not get it.
    """
    held = list(chain(module.parameters(), module.buffers()))
    if all(tensor.device == device for tensor in held):
        return module
    if any(tensor.requires_grad for tensor in held):
        raise InputError(
            f"the points are on {device}, the field is on {held[0].device} and requires gradients: move the points to "
            "the field's device, or freeze the field (requires_grad_(False))."
        )
    if device not in copies:
        copies.setdefault(device, copy.deepcopy(module).to(device))
    return copies[device]


def distances(module: nn.Module, points: np.ndarray) -> np.ndarray:
    """Distances (n,) float64 at normalised points (n, 3) of a module on the CPU, on several threads."""
    if isinstance(module, Triangles):
        return module.held.distances(points)
    if isinstance(module, SparseGrid):
        return module.arrays().distances(points)

    def values(chunk: slice) -> np.ndarray:
        with torch.no_grad():
            return value(module, torch.as_tensor(points[chunk], dtype=torch.float32)).double().numpy()

    with single_threaded():
        return np.concatenate([np.zeros(0), *parallel_map(values, ranges(len(points), BATCH))])


def gradients(module: nn.Module, points: np.ndarray) -> np.ndarray:
    """Gradients (n, 3) float64 at normalised points (n, 3) of a module on the CPU, on several threads."""
    if isinstance(module, Triangles):
        return module.held.value_and_slope(points)[1]

    def slopes(chunk: slice) -> np.ndarray:
        with torch.enable_grad():
            x = torch.tensor(points[chunk], dtype=torch.float32, requires_grad=True)
            return torch.autograd.grad(value(module, x).sum(), x)[0].double().numpy()

    with single_threaded():
        return np.concatenate([np.zeros((0, 3)), *parallel_map(slopes, ranges(len(points), BATCH))])
