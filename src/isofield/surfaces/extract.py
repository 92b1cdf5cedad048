"""From a field to a closed mesh: coarse to fine evaluation, marching cubes, a safe fallback."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from isofield.errors import InputError

from .adaptive_sampling import SAFETY, Missed, coarse_step, crossed, swept
from .edge_collapse import collapsed
from .marching import triangles
from .sampling_grid import Lattice

SHORTEST = 2e-5
"""Of a cell: shorter edges are collapsed."""


@dataclass(frozen=True)
class Extraction:
    """A surface and what it took.

    mesh: closed, outward, in the units of the box; without faces where the field has no surface in the box.
    resolution: cells along the box's longest side. evaluations: points at which the field was asked. nodes: what a
    dense grid would ask. cells: cells that the surface crosses. fallback: the field did not behave like a distance, and
    more of it was evaluated than its gradient asks for. seconds: wall clock.
    """

    mesh: trimesh.Trimesh
    resolution: int
    evaluations: int
    nodes: int
    cells: int
    fallback: bool
    seconds: float


def extract(
    distance: Callable[[np.ndarray], np.ndarray],
    lower: np.ndarray,
    upper: np.ndarray,
    resolution: int,
    level: float = 0.0,
    *,
    batch: int = 65_536,
    dense: bool = False,
) -> Extraction:
    """The surface distance(x) = level in a box, as dense marching cubes at this resolution would find it.

    distance: (n, 3) float64 points to (n,) values, negative inside; asked for at most `batch` points at a time and only
    in the box (along a side that is no multiple of the cells, up to a cell beyond it). lower, upper: (3,) corners.
    resolution: cubic cells along the longest side, at least 4. dense: evaluate every node.

    The field is sampled coarse to fine where its size and its steepness allow a surface (`refine`). If random checks
    show that this missed something, the bound is doubled twice, then every node is evaluated; `fallback` says so. The
    border of the box counts as outside, so a body that crosses it is cut off and closed there.
    Raises InputError if the box or the resolution cannot be used, ValueError if `distance` returns another shape.
    """
    began = time.perf_counter()
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    if low.shape != (3,) or high.shape != (3,) or not np.isfinite(high - low).all() or not (high > low).all():
        raise InputError(f"The box from {lower} to {upper} has no volume: give three finite lengths above zero.")
    if resolution < 4:
        raise InputError(f"The resolution {resolution} is too low: give at least 4 cells along the longest side.")
    lattice = Lattice(distance, low, high, int(resolution), float(level), int(batch))
    fallback = False
    cells = None
    sparse = not dense and coarse_step(lattice) > 1
    if sparse:
        for factor in (1, 2, 4):
            try:
                cells = crossed(lattice, SAFETY * factor)
                break
            except Missed:
                fallback = True
    if cells is None:
        cells = swept(lattice)
    fallback |= sparse and lattice.evaluations > lattice.nodes / 2
    vertices, faces = triangles(lattice, cells)
    vertices, faces = collapsed(vertices, faces, SHORTEST * lattice.spacing)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    seconds = time.perf_counter() - began
    return Extraction(mesh, int(resolution), lattice.evaluations, lattice.nodes, len(cells.low), fallback, seconds)
