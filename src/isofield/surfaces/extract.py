"""A closed mesh of a field's level set: coarse-to-fine evaluation, marching cubes, and a dense fallback."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.stopwatch import stage
from isofield.surfaces.adaptive_sampling import SAFETY, Lattice, Missed, coarse_step, crossed, swept
from isofield.surfaces.dual_contouring import Closest, dual
from isofield.surfaces.edge_collapse import collapsed
from isofield.surfaces.marching import triangles

SHORTEST = 2e-5
"""Edges shorter than this fraction of a cell are collapsed."""


@dataclass(frozen=True)
class Extraction:
    """A surface and figures of its extraction.

    mesh: closed, outward, in the units of the box; without faces where the field has no surface in the box.
    resolution: cells along the box's longest side. evaluations: points at which the field was evaluated. nodes: of the
    dense grid. cells: number of cells that the surface crosses. fallback: the field violated its Lipschitz bound and
    was evaluated more densely. seconds: wall-clock time.
    """

    mesh: trimesh.Trimesh
    resolution: int
    evaluations: int
    nodes: int
    cells: int
    fallback: bool
    seconds: float


@stage("extraction")
def extract(
    distance: Callable[[np.ndarray], np.ndarray],
    lower: np.ndarray,
    upper: np.ndarray,
    resolution: int,
    level: float = 0.0,
    *,
    batch: int = 65_536,
    dense: bool = False,
    closest: Closest | None = None,
) -> Extraction:
    """The surface distance(x) = level in a box, the same as by dense marching cubes at this resolution.

    distance: (n, 3) float64 points to (n,) values, negative inside; called with at most `batch` points of the box (or
    up to a cell beyond it, where a side is not a multiple of the cells). lower, upper: (3,) corners. resolution: cubic
    cells along the longest side, at least 4. dense: evaluate every node. closest: of a surface that knows its closest
    points and its normals, for sharp edges at level 0 (`dual_contouring`).

    The field is evaluated coarse to fine where its values and its steepness permit a surface (`adaptive_sampling`). If
    random checks show that a part was missed, the bound is doubled twice, then every node is evaluated; see `fallback`.
    The border of the box counts as outside: a body that crosses it is cut off and closed there. Raises InputError for
    an unusable box or resolution, ValueError if `distance` returns another shape.
    """
    began = time.perf_counter()
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    if low.shape != (3,) or high.shape != (3,) or not np.isfinite(high - low).all() or not (high > low).all():
        raise InputError(f"the box from {lower} to {upper} has no volume: give three finite lengths above zero.")
    if resolution < 4:
        raise InputError(f"the resolution {resolution} is too low: give at least 4 cells along the longest side.")
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
    made = dual(lattice, cells, closest) if closest is not None and len(cells.low) else None
    vertices, faces = triangles(lattice, cells) if made is None else made
    vertices, faces = collapsed(vertices, faces, SHORTEST * lattice.spacing)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    seconds = time.perf_counter() - began
    return Extraction(mesh, int(resolution), lattice.evaluations, lattice.nodes, len(cells.low), fallback, seconds)
