"""The mesh of a field: its own faces, or a surface through its samples, in the user's units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import trimesh

from isofield import surfaces
from isofield.api.coverage import open_mesh, without_far_faces
from isofield.api.field import UNSIGNED
from isofield.configs.common import RESOLUTIONS, check_resolution
from isofield.errors import InputError
from isofield.fields.array_field import ArrayField
from isofield.fields.array_grid import ArrayGrid
from isofield.fields.array_triangles import ArrayTriangles
from isofield.points import subsample
from isofield.topology import areas

if TYPE_CHECKING:
    from torch import nn

    from isofield.api.sdf import SDF

RESOLUTION = 256
"""Default number of cells along the longest side of a mesh, for a field without a grid of its own."""
THIN, FINEST = 2.5, 640
"""Cells across the thin walls of an exact field, up to this number along the longest side."""
MOST_CELLS, FINE_SHARE = 3_000_000, 0.15
"""At a grid's own resolution the surface crosses about this many cells, at most, and at least this share of it lies in
cells as fine."""


@dataclass(frozen=True)
class Extraction:
    """A mesh and figures of its extraction.

    mesh: in the user's units. resolution: cells along the longest side of the box of level 0; None where the mesh has
    the faces of the field. evaluations: points at which the field was evaluated. dropped: components that were left
    out. fallback: the field was sampled densely. problems: what keeps the mesh from being a closed manifold, in
    words. membranes: fraction of the area of an open mesh of faces that closes its holes.
    """

    mesh: trimesh.Trimesh
    resolution: int | None
    evaluations: int
    seconds: float
    dropped: int
    fallback: bool
    problems: list[str]
    membranes: float = 0.0


def extract(
    sdf: SDF,
    distances: Callable[[np.ndarray], np.ndarray],
    resolution: int | None,
    level: float,
    keep_all: bool,
    close_holes: float | None,
) -> Extraction:
    """`SDF.extract`. distances: of the field, (n,) at points (n, 3), both normalised."""
    if not isinstance(level, (int, float)) or not np.isfinite(level):
        raise InputError(f"level {level!r} is not a distance: give a number, 0 for the surface itself.")
    check_resolution(resolution)
    _, faces = _structure(sdf.field)
    if faces is not None and level == 0 and (sdf.open or resolution is None):
        extraction = _as_it_is(sdf, faces, close_holes)
        if extraction is not None:
            return extraction
    lower, upper, cells = _cells(sdf, resolution)
    base, offset = cells, level * sdf.similarity.scale
    if level > 0:  # an offset surface leaves the box: add whole cells all around
        cell = float((upper - lower).max()) / cells
        more = int(min(np.ceil(offset / cell), 1024))
        lower, upper, cells = lower - more * cell, upper + more * cell, cells + 2 * more
    if cells > 2 * RESOLUTIONS[1]:
        raise InputError(
            f"the surface at level {level:g} is too far out for {base} cells along the shape's longest side: "
            "give a smaller level, or a lower resolution."
        )

    def slopes(x: np.ndarray) -> np.ndarray:
        return np.asarray(sdf.gradient(sdf.similarity.invert(x)))

    exact = faces.closest if faces is not None and level == 0 else None
    if sdf.kind == UNSIGNED and level == 0:
        sampled = surfaces.extract_unsigned(distances, slopes, lower, upper, cells)
    else:
        sampled = surfaces.extract(distances, lower, upper, cells, offset, closest=exact)
    if len(sampled.mesh.faces) == 0:
        finer = "" if resolution is None else "more cells, as walls thinner than a cell are lost, or "
        raise InputError(
            f"the field has no surface at level {level:g} on {cells} cells: give {finer}a level between its least "
            "and greatest distance, near 0 for the surface itself."
        )
    mesh, dropped = sampled.mesh, 0
    if not keep_all and faces is None:
        points, spacing = subsample(sdf.points, sdf.spacing)
        spacing *= sdf.similarity.scale
        mesh, dropped = surfaces.keep_observed(mesh, sdf.similarity.apply(points), spacing, room=sdf.open)
    ends = sdf.open and faces is None
    if ends:
        mesh = without_far_faces(sdf, mesh, close_holes, level)
    mesh, problems = _repaired(sdf, mesh)
    if ends:
        mesh = open_mesh(sdf, mesh, close_holes, level)
        problems = surfaces.check(mesh).flaws
    return Extraction(mesh, base, sampled.evaluations, sampled.seconds, dropped, sampled.fallback, problems)


def _as_it_is(sdf: SDF, held: ArrayTriangles, close_holes: float | None) -> Extraction | None:
    """The faces themselves, in an open mesh with its holes up to a size closed; None where some do not belong to the
    surface."""
    vertices, faces = held.vertices, held.own(sdf.open)
    if faces is None:
        return None
    membranes = 0.0
    if sdf.open and close_holes:
        from isofield.solids.borders import closed_holes  # loads what fits of points do not need

        given = areas(vertices, faces).sum()
        vertices, faces = closed_holes(vertices, faces, close_holes * sdf.similarity.scale)
        membranes = float(1 - given / areas(vertices, faces).sum())
    if sdf.open:
        mesh = trimesh.Trimesh(sdf.similarity.invert(vertices), faces, process=False)
        return Extraction(mesh, None, 0, 0.0, 0, False, surfaces.check(mesh).flaws, membranes)
    mesh, problems = _repaired(sdf, trimesh.Trimesh(vertices, faces, process=False))
    return None if problems else Extraction(mesh, None, 0, 0.0, 0, False, [])


def _cells(sdf: SDF, resolution: int | None) -> tuple[np.ndarray, np.ndarray, int]:
    """The box (3,), (3,) of a mesh, normalised, and its number of cells along the longest side."""
    lower, upper = np.asarray(sdf.lower), np.asarray(sdf.upper)
    if resolution is not None:
        return lower, upper, resolution
    grid, faces = _structure(sdf.field)
    if grid is not None:
        lower = grid.origin.astype(np.float64)
        upper = lower + np.array(grid.shape) * grid.side
        return lower, upper, min(max(grid.shape) * 2 ** grid.resolved(MOST_CELLS, FINE_SHARE), 2 * RESOLUTIONS[1])
    if faces is not None:
        return lower, upper, int(np.clip(THIN * (upper - lower).max() / faces.thinnest, RESOLUTION, FINEST))
    return lower, upper, RESOLUTION


def _structure(field: nn.Module | ArrayField) -> tuple[ArrayGrid | None, ArrayTriangles | None]:
    """The grid whose cells the field has, and the faces to which it is the distance, where there are any."""
    if isinstance(field, ArrayField):
        exact = field if isinstance(field, ArrayTriangles) else None
        return field if isinstance(field, ArrayGrid) else None, exact
    from isofield.api.modules import grid_of

    return grid_of(field), None


def _repaired(sdf: SDF, mesh: trimesh.Trimesh) -> tuple[trimesh.Trimesh, list[str]]:
    """A normalised mesh in the user's units, repaired where it has defects; and those that it still has."""
    mesh = trimesh.Trimesh(sdf.similarity.invert(mesh.vertices), mesh.faces, process=False)
    found = surfaces.check(mesh)
    if not (found.flaws if sdf.open else found.problems):  # the walls of a room face inward
        return mesh, []
    mesh = surfaces.repair(mesh)
    return mesh, list(surfaces.check(mesh).problems)
