"""A closed mesh of a field's level set: coarse-to-fine evaluation, marching cubes, and a dense fallback.

Marching cubes on a sparse set of cells: scikit-image triangulates the cells, which are joined along lattice edges
(Lewiner et al., Efficient implementation of Marching Cubes' cases with topological guarantees, JGT 2003). The triangles
of a cell depend on its eight values only, so cells that are packed into one volume with masked gaps give exactly the
triangles of the dense volume. A vertex's lattice edge is read from its position; its position on it is float64.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from skimage.measure import marching_cubes

from isofield.errors import InputError
from isofield.solids.slivers import collapsed
from isofield.stopwatch import stage
from isofield.surfaces.adaptive_sampling import EDGES, SAFETY, Cells, Lattice, Missed, coarse_step, crossed, swept
from isofield.surfaces.dual_contouring import Closest, dual
from isofield.types import CORNERS

SHORTEST = 2e-5
"""Edges shorter than this fraction of a cell are collapsed."""
NUDGE = 3e-5
"""Fraction of a cell that every vertex keeps from the nodes, about, so that no face has zero area."""
TINY = 1e-14
"""Lower bound of a value relative to the largest one, for edges that are zero at both ends."""
ROW = 32
"""Cells along each side of a packed volume: few enough that a float32 position in it is accurate to 2e-6 of a cell."""
RESOLVED = 8e-6
"""A coordinate closer than this to a node's equals it: above the positions' error, below the gap of `_bounded`."""
BITS = np.array([4, 2, 1])
"""What a step along each axis adds to the index of a corner."""


@dataclass(frozen=True)
class ExtractedSurface:
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
) -> ExtractedSurface:
    """The surface distance(x) = level in a box, the same as by dense marching cubes at this resolution.

    distance: (n, 3) float64 points to (n,) values, negative inside; called with at most `batch` points of the box (or
    up to a cell beyond it, where a side is not a multiple of the cells). lower, upper: (3,) corners. resolution: cubic
    cells along the longest side, at least 4. dense: evaluate every node. closest: gives the exact closest points and
    normals, for sharp edges at level 0 (`dual_contouring`).

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
    return ExtractedSurface(
        mesh, int(resolution), lattice.evaluations, lattice.nodes, len(cells.low), fallback, seconds
    )


def triangles(lattice: Lattice, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) float64 in the lattice's space and outward faces (f, 3) int64 of the level set in `cells`.

    Closed if every cell that the level set crosses is among `cells`.
    """
    if not len(cells.low):
        return np.empty((0, 3)), np.empty((0, 3), np.int64)
    order = np.argsort(lattice.keys(cells.low))
    cells = Cells(cells.low[order], cells.values[order])
    values = _nudged(lattice, cells)
    typical = float(np.median(np.abs(values[:: max(1, len(values) // 100_000)]).max(axis=1)))
    keys, points, faces = [], [], []
    count, inner = 0, 0
    for start in range(0, len(values), ROW**3):
        part = slice(start, start + ROW**3)
        key, point, face = _march(lattice, cells.low[part], values[part], _bounded(values[part], typical))
        inside = key < 0  # a vertex inside a cell belongs to that cell alone
        key[inside] = -1 - np.arange(inner, inner + inside.sum())
        key, first, back = np.unique(key, return_index=True, return_inverse=True)
        keys.append(key)
        points.append(point[first])
        faces.append(back[face] + count)
        inner += int(inside.sum())
        count += len(key)
    _, first, back = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    vertices = lattice.lower + lattice.spacing * np.concatenate(points)[first]
    return vertices, back[np.concatenate(faces)]


def _nudged(lattice: Lattice, cells: Cells) -> np.ndarray:
    """Values (n, 8) that are moved away from zero, so that vertices on two edges of a node do not coincide in it.

    The size of a node's value becomes at least `NUDGE` times the smallest value across a crossed edge, which moves its
    vertices by less than `NUDGE` of a cell.
    """
    size = np.abs(cells.values)
    near = size <= NUDGE * size.max(axis=1, keepdims=True)
    if not near.any():
        return cells.values
    at_row, at_corner = np.nonzero(near)
    names = np.unique(lattice.keys(cells.low[at_row] + CORNERS[at_corner]))
    # (n, 8): the row of every corner among `names`, len(names) for a node that is not moved.
    row = np.empty(size.shape, np.int32)
    for corner, offset in enumerate(CORNERS):
        key = lattice.keys(cells.low + offset)
        at = np.minimum(np.searchsorted(names, key), len(names) - 1)
        row[:, corner] = np.where(names[at] == key, at, len(names))
    smallest = np.full(len(names) + 1, np.inf)
    for one, other in EDGES:
        across = (cells.values[:, one] < 0) != (cells.values[:, other] < 0)
        for here, there in ((one, other), (other, one)):
            rows = across & (row[:, here] < len(names))
            np.minimum.at(smallest, row[rows, here], size[rows, there])
    # Where both ends of an edge are almost zero, the larger one decides.
    least = np.append(np.maximum(NUDGE * smallest[:-1], TINY * float(size.max())), 0)[row]
    least[~np.isfinite(least)] = 0
    return np.where(size < least, np.where(cells.values < 0, -least, least), cells.values)


def _march(
    lattice: Lattice, low: np.ndarray, values: np.ndarray, bounded: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys (v,) (-1 inside a cell), positions (v, 3) in lattice cells, and faces (f, 3) of up to ROW**3 cells."""
    deep = -(-len(values) // (ROW * ROW))
    packed = np.ones((deep * ROW * ROW, 8), np.float32)
    packed[: len(values)] = bounded
    volume = packed.reshape(deep, ROW, ROW, 2, 2, 2).transpose(0, 3, 1, 4, 2, 5).reshape(2 * deep, 2 * ROW, 2 * ROW)
    mask = np.zeros(volume.shape, bool)
    mask[1::2, 1::2, 1::2] = True  # a cell goes by its upper corner
    position, faces, _, _ = marching_cubes(volume, 0.0, gradient_direction="descent", mask=mask)
    cell = (position // 2).astype(np.int64)
    local = position - 2 * cell
    cell = cell @ np.array([ROW * ROW, ROW, 1])
    # The one coordinate between 0 and 1 is the edge's direction; a vertex inside the cell has three.
    off = np.minimum(local, 1 - local)
    along = off.argmax(axis=1)
    on_edge = np.sort(off, axis=1)[:, 1] < RESOLVED
    rows = np.arange(len(local))
    start = np.round(local).astype(np.int64)
    start[rows, along] = 0
    first = start @ BITS
    one, two = np.abs(values[cell, first]), np.abs(values[cell, first | BITS[along]])
    point = start.astype(np.float64)
    point[rows, along] = one / (one + two)
    weights = 1 / (np.finfo(np.float64).eps + np.abs(values[cell[~on_edge]]))
    point[~on_edge] = weights @ CORNERS / weights.sum(axis=1, keepdims=True)  # as scikit-image places it
    key = np.where(on_edge, 3 * lattice.keys(low[cell] + start) + along, -1)
    return key, low[cell] + point, faces.astype(np.int64)


def _bounded(values: np.ndarray, typical: float) -> np.ndarray:
    """Float32 values (n, 8) for the triangulation, with bounded ratios, so that no vertex is close to a node.

    A node has the same value in all of its cells, so that they agree on their common faces. typical: median size of the
    cells' largest values.
    """
    size = np.clip(np.abs(values), typical / 1000, typical * 50)
    # Scaled only where float32 would lose them, so that ties are broken as in the dense volume.
    if not 1e-12 < typical < 1e12:
        size /= typical
    return np.where(values < 0, -size, size).astype(np.float32)
