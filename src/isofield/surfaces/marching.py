"""Marching cubes on a sparse set of cells: scikit-image triangulates each cell, lattice edges stitch them together.

Lewiner et al., Efficient implementation of Marching Cubes' cases with topological guarantees, JGT 2003. The triangles
of a cell depend on its eight values only, so cells that are packed into one volume with masked gaps give exactly the
triangles of the dense volume. Which lattice edge a vertex lies on is read from its place; where on it, in float64.
"""

from __future__ import annotations

import numpy as np
from skimage.measure import marching_cubes

from isofield.types import CORNERS

from .adaptive_sampling import Cells
from .sampling_grid import Lattice

NUDGE = 3e-5
"""Of a cell: no vertex comes nearer to a node than about this, so that no face has a zero area."""
TINY = 1e-14
"""Least size of a value beside the largest one: where whole edges are zero."""
ROW = 32
"""Cells along each side of a packed volume: few enough that a float32 place in it is good to 2e-6 of a cell."""
RESOLVED = 8e-6
"""A coordinate nearer than this to a node's is the node's: more than the places' error, less than `_shown` leaves."""
BITS = np.array([4, 2, 1])
"""What a step along each axis adds to a corner's number."""

EDGES = np.array([(a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit], np.int64)
"""(12, 2): the corners that each edge of a cell joins; four along each axis."""


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
        key, point, face = _march(lattice, cells.low[part], values[part], _shown(values[part], typical))
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
    """(n, 8) values, none of them so near to zero that the vertices on two edges of a node nearly meet in it.

    A node's value becomes at least `NUDGE` of the smallest value across a crossed edge, on its own side: its vertices
    move by less than `NUDGE` of a cell.
    """
    size = np.abs(cells.values)
    near = size <= NUDGE * size.max(axis=1, keepdims=True)
    if not near.any():
        return cells.values
    at_row, at_corner = np.nonzero(near)
    names = np.unique(lattice.keys(cells.low[at_row] + CORNERS[at_corner]))
    # (n, 8): the place among `names` of every cell's corners, len(names) for a node that stays.
    place = np.empty(size.shape, np.int32)
    for corner, offset in enumerate(CORNERS):
        key = lattice.keys(cells.low + offset)
        at = np.minimum(np.searchsorted(names, key), len(names) - 1)
        place[:, corner] = np.where(names[at] == key, at, len(names))
    smallest = np.full(len(names) + 1, np.inf)
    for one, other in EDGES:
        across = (cells.values[:, one] < 0) != (cells.values[:, other] < 0)
        for here, there in ((one, other), (other, one)):
            rows = across & (place[:, here] < len(names))
            np.minimum.at(smallest, place[rows, here], size[rows, there])
    # Where both ends of an edge are next to nothing, the nudge comes from the larger one.
    least = np.append(np.maximum(NUDGE * smallest[:-1], TINY * float(size.max())), 0)[place]
    least[~np.isfinite(least)] = 0
    return np.where(size < least, np.where(cells.values < 0, -least, least), cells.values)


def _march(
    lattice: Lattice, low: np.ndarray, values: np.ndarray, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys (v,) (-1 inside a cell), places (v, 3) in cells of the lattice, and faces (f, 3) of up to ROW**3 cells."""
    deep = -(-len(values) // (ROW * ROW))
    packed = np.ones((deep * ROW * ROW, 8), np.float32)
    packed[: len(values)] = shown
    volume = packed.reshape(deep, ROW, ROW, 2, 2, 2).transpose(0, 3, 1, 4, 2, 5).reshape(2 * deep, 2 * ROW, 2 * ROW)
    mask = np.zeros(volume.shape, bool)
    mask[1::2, 1::2, 1::2] = True  # a cell goes by its upper corner
    place, faces, _, _ = marching_cubes(volume, 0.0, gradient_direction="descent", mask=mask)
    cell = (place // 2).astype(np.int64)
    local = place - 2 * cell
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


def _shown(values: np.ndarray, typical: float) -> np.ndarray:
    """(n, 8) float32 values for the triangulation: their ratios bounded, so that each vertex stands clear of the nodes.

    A node has the same value in all of its cells, or they would not agree on the faces that they share. typical: the
    usual size of a value.
    """
    size = np.clip(np.abs(values), typical / 1000, typical * 50)
    # Where float32 would lose them they are scaled; elsewhere not, to decide ties as the dense volume does.
    if not 1e-12 < typical < 1e12:
        size /= typical
    return np.where(values < 0, -size, size).astype(np.float32)
