"""A mesh of an unsigned distance field, open where its surface ends: marching cubes with signs from the gradient.

The gradient of an unsigned distance points away from the surface on both sides. In every cell near the surface the
corners get signs by which their gradients agree, and marching cubes triangulates the signed values: Zhou et al.,
"Learning Consistency-Aware Unsigned Distance Functions Progressively from Raw Point Clouds", NeurIPS 2022, section 3.3;
Guillard, Stella and Fua, "MeshUDF", ECCV 2022, has the like. They compare all corners with one of them; here the axis
is the one along which the gradients of all corners are largest. A surface ends where the gradients fan out; what
is beyond its border by a part of a cell has values above those on the surface, and is cut away.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import igl
import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.solids.slivers import collapsed
from isofield.stopwatch import stage
from isofield.surfaces.adaptive_sampling import Cells, Lattice, Missed, touched
from isofield.surfaces.extract import SHORTEST, ExtractedSurface, triangles
from isofield.surfaces.open_surface import opened
from isofield.types import CORNERS

BATCH = 65_536
BEYOND, REACH, HOLES = 0.4, 2.0, 4.0
"""Cells beyond the border at which a surface is cut, and over which the cut is smooth; smaller holes stay closed."""


@stage("extraction")
def extract_unsigned(
    distance: Callable[[np.ndarray], np.ndarray], gradient: Callable[[np.ndarray], np.ndarray],
    lower: np.ndarray, upper: np.ndarray, resolution: int,
) -> ExtractedSurface:  # fmt: skip
    """The surface of an unsigned distance in a box, with neighbouring faces of the same winding where that is possible.

    distance, gradient: (n, 3) float64 points to (n,) values from 0 and (n, 3) slopes. lower, upper: (3,) corners.
    resolution: cubic cells along the longest side, at least 4. Raises InputError for a field that is nearly zero in too
    many cells.
    """
    began = time.perf_counter()
    lattice = Lattice(distance, lower, upper, resolution, 0.0, BATCH)
    try:
        cells = _signed(lattice, touched(lattice), gradient)
    except Missed:
        raise InputError(
            f"the field is flat, or crosses too many of {resolution} cells along its longest side: give fewer."
        ) from None
    vertices, faces = collapsed(*triangles(lattice, cells), SHORTEST * lattice.spacing)
    if len(faces):
        faces = np.asarray(igl.bfs_orient(faces)[0], np.int64)
        vertices, faces = _cut(vertices, faces, distance(vertices), lattice.spacing)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    seconds = time.perf_counter() - began
    return ExtractedSurface(mesh, resolution, lattice.evaluations, lattice.nodes, len(cells.low), False, seconds)


def _cut(vertices: np.ndarray, faces: np.ndarray, value: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """The part with values (v,) near those of most of the surface, with a smooth border."""
    gap, length = np.maximum(value - np.median(value), 0) / cell, np.full(len(vertices), cell)
    return opened(vertices, faces, gap, BEYOND, REACH * length, HOLES * length)


def _signed(lattice: Lattice, cells: Cells, gradient: Callable[[np.ndarray], np.ndarray]) -> Cells:
    """The cells on whose corners gradients are opposite, with values (n, 8) of both signs."""
    keys, row = np.unique(lattice.keys(cells.low[:, None] + CORNERS), return_inverse=True)
    slope = gradient(lattice.lower + lattice.spacing * lattice.index(keys))
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-30)
    slopes = slope[row.reshape(-1, 8)]  # (n, 8, 3)
    mixed = (np.einsum("nkd,nd->nk", slopes, slopes[:, 0]) < 0).any(1)
    cells, slopes = Cells(cells.low[mixed], cells.values[mixed]), slopes[mixed]
    axis = np.linalg.eigh(np.einsum("nkd,nke->nde", slopes, slopes))[1][:, :, 2]
    along = np.einsum("nkd,nd->nk", slopes, axis)
    sign = np.where(along < 0, -1.0, 1.0)
    # At the surface the gradients point away from each other, at a ridge of the distance toward each other.
    apart = np.einsum("nk,kd,nd->n", sign, CORNERS - 0.5, axis) > 0
    crossed = apart & (np.abs(sign.sum(1)) < 8)
    return Cells(cells.low[crossed], (sign * np.abs(cells.values))[crossed])
