"""A closed mesh with sharp edges from cells that a surface crosses, where its exact normals are available.

One vertex for each component of the surface in a cell, one quadrilateral for each lattice edge that the surface
crosses: Nielson, "Dual marching cubes", 2004; Schaefer, Ju and Warren, "Manifold dual contouring", 2007. A vertex
minimises the squared distances to the tangent planes at the crossings of its component (Ju, Losasso, Schaefer and
Warren, "Dual contouring of Hermite data", 2002, eq. 1), inside its cell, and is then moved to the closest point of the
surface. Components are separated on ambiguous faces around inside corners; around outside corners in pairs of cells
that would share an edge of four faces otherwise (Wenger, "Isosurfaces", 2013, section 3.3.5).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from isofield.surfaces.adaptive_sampling import EDGES, Cells, Lattice
from isofield.types import CORNERS

Closest = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Points x (n, 3) to signed distances (n,), the closest points of the surface (n, 3), and its normals there (n, 3)."""

BENT = 0.05
"""A direction of the least squares problem counts if its eigenvalue exceeds this fraction of the largest."""
FLAT = 1e-6
"""A component is flat if one minus the length of the mean of its normals is below this."""
STEPS, PRECISE = 24, 1e-7
"""Steps of the search for a crossing, and the distance at which it ends, in cells."""
BEYOND, EXACT = 0.6, 1e-6
"""A vertex on the surface, nearer than the second, may lie outside its cell by the first, in cells."""
SIDES = np.array([(axis, end) for axis in range(3) for end in (0, 1)])
"""(6, 2): the axis of each face of a cell, and its end."""


def _components(inside: np.ndarray, around_inside: bool) -> np.ndarray:
    """(12,) the component of each edge of a cell whose corners are inside (8,), -1 for edges that are not crossed."""
    crossed = [inside[a] != inside[b] for a, b in EDGES]
    root = list(range(12))

    def find(edge: int) -> int:
        return edge if root[edge] == edge else find(root[edge])

    for axis, end in SIDES:
        on = [e for e, (a, b) in enumerate(EDGES) if CORNERS[a, axis] == CORNERS[b, axis] == end and crossed[e]]
        if len(on) == 2:
            root[find(on[0])] = find(on[1])
        elif len(on) == 4:
            for corner in np.flatnonzero((CORNERS[:, axis] == end) & (inside == around_inside)):
                one, two = (e for e in on if corner in EDGES[e])
                root[find(one)] = find(two)
    names = sorted({find(e) for e in range(12) if crossed[e]})
    return np.array([names.index(find(e)) if crossed[e] else -1 for e in range(12)])


@cache
def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(2, 256, 12) components by rule and configuration, (2, 256) their number, and (256,) the ambiguous face whose
    crossings all belong to one component, -1 for none."""
    table = np.full((2, 256, 12), -1)
    face = np.full(256, -1)
    for config in range(256):
        inside = np.array([config >> corner & 1 for corner in range(8)], bool)
        for rule in (0, 1):
            table[rule, config] = _components(inside, rule == 0)
        for side, (axis, end) in enumerate(SIDES):
            on = [e for e, (a, b) in enumerate(EDGES) if CORNERS[a, axis] == CORNERS[b, axis] == end]
            of = table[0, config, on]
            if (of >= 0).all() and len(set(of.tolist())) == 1:
                face[config] = side
    return table, table.max(2) + 1, face


AXIS = np.array([int(np.flatnonzero(CORNERS[b] - CORNERS[a])[0]) for a, b in EDGES])
"""(12,) the axis of each edge."""
TURN = np.array([
    {(1, 1): 0, (0, 1): 1, (0, 0): 2, (1, 0): 3}[
        (int(CORNERS[a, (axis + 1) % 3]), int(CORNERS[a, (axis + 2) % 3]))
    ]
    for (a, _), axis in zip(EDGES, AXIS, strict=True)
])  # fmt: skip
"""(12,) the position of the cell among the four around the edge, counterclockwise about its axis."""


def dual(lattice: Lattice, cells: Cells, closest: Closest) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices (v, 3) float64 and outward faces (f, 3) int64 of the surface in `cells`; None if cells are missing."""
    order = np.argsort(lattice.keys(cells.low))
    low, values = cells.low[order], cells.values[order]
    inside = values < 0
    config = inside @ (1 << np.arange(8))
    table, number, _ = tables()
    rule = _rules(lattice, low, config)
    component = table[rule, config]  # (n, 12)
    first = np.concatenate([[0], np.cumsum(number[rule, config])])
    cell, edge = np.nonzero(component >= 0)
    vertex = first[cell] + component[cell, edge]
    name = 3 * lattice.keys(low[cell] + CORNERS[EDGES[edge, 0]]) + AXIS[edge]
    names, at, crossing = np.unique(name, return_index=True, return_inverse=True)
    if not (np.bincount(crossing) == 4).all():
        return None
    one, two = (values[cell[at], EDGES[edge[at], k]] for k in (0, 1))
    hit, normal = _crossings(lattice, names, one, two, closest)
    owner = np.repeat(np.arange(len(low)), number[rule, config])
    points, sharp = _vertices(lattice, low[owner], vertex, hit[crossing], normal[crossing], closest)
    quad = vertex[np.lexsort((TURN[edge], crossing))].reshape(-1, 4)
    quad = np.where((one < 0)[:, None], quad, quad[:, ::-1])
    return points, _halved(points, quad, sharp, closest)


def _rules(lattice: Lattice, low: np.ndarray, config: np.ndarray) -> np.ndarray:
    """(n,) rule of each cell: 1 for pairs of cells whose common face would have all its crossings in one component of
    either cell."""
    rule = np.zeros(len(low), np.int64)
    shared = tables()[2]
    risky = np.flatnonzero(shared[config] >= 0)
    if not len(risky):
        return rule
    axis, end = SIDES[shared[config[risky]]].T
    other = low[risky].copy()
    other[np.arange(len(risky)), axis] += 2 * end - 1
    key = lattice.keys(low)
    row = np.minimum(np.searchsorted(key, lattice.keys(other)), len(key) - 1)
    pair = (key[row] == lattice.keys(other)) & (shared[config[row]] == 2 * axis + 1 - end)
    rule[risky[pair]] = 1
    return rule


def _crossings(
    lattice: Lattice, names: np.ndarray, one: np.ndarray, two: np.ndarray, closest: Closest
) -> tuple[np.ndarray, np.ndarray]:
    """Points (e, 3) at which the surface crosses lattice edges (e,), and its normals there (e, 3); one, two: (e,) the
    distances at their ends. By false position (Dowell and Jarratt 1971, "Illinois"); a plane takes one step."""
    node, axis = np.divmod(names, 3)
    start = lattice.lower + lattice.spacing * lattice.index(node)
    way = lattice.spacing * np.eye(3)[axis]
    a, b, fa, fb = np.zeros(len(names)), np.ones(len(names)), one.copy(), two.copy()
    point, normal = np.empty((len(names), 3)), np.empty((len(names), 3))
    todo, kept = np.arange(len(names)), np.zeros(len(names), np.int64)
    for step in range(STEPS):
        t = (a * fb - b * fa) / (fb - fa)
        if step > 8:
            t = (a + b) / 2
        x = start[todo] + t[:, None] * way[todo]
        value, _, slope = closest(x)
        point[todo], normal[todo] = x, slope
        left = (value < 0) == (fa < 0)
        fb, fa = np.where(left & (kept == 1), fb / 2, fb), np.where(~left & (kept == -1), fa / 2, fa)
        a, b = np.where(left, t, a), np.where(left, b, t)
        fa, fb = np.where(left, value, fa), np.where(left, fb, value)
        kept = np.where(left, 1, -1)
        more = np.abs(value) > PRECISE * lattice.spacing
        if not more.any():
            break
        todo, kept = todo[more], kept[more]
        a, b, fa, fb = (one[more] for one in (a, b, fa, fb))
    return point, normal


def _vertices(
    lattice: Lattice, low: np.ndarray, vertex: np.ndarray, hit: np.ndarray, normal: np.ndarray, closest: Closest
) -> tuple[np.ndarray, np.ndarray]:
    """The vertices (v, 3) of components in cells `low` (v, 3), and (v,) bool which of them are not flat.

    vertex: (k,) the component of every crossing, hit, normal: (k, 3).
    """
    count = np.bincount(vertex)[:, None]
    middle, mean = (_summed(vertex, rows) / count for rows in (hit, normal))
    bent = np.flatnonzero(1 - np.linalg.norm(mean, axis=1) > FLAT)
    sharp = np.zeros(len(middle), bool)
    sharp[bent] = True
    rows = np.flatnonzero(sharp[vertex])
    number = np.cumsum(sharp) - 1
    own, n = number[vertex[rows]], normal[rows]
    height = ((hit[rows] - middle[vertex[rows]]) * n).sum(1)
    square = _summed(own, (n[:, :, None] * n[:, None]).reshape(-1, 9)).reshape(-1, 3, 3)
    right = _summed(own, height[:, None] * n)
    points = middle.copy()
    if len(bent):
        strength, axes = np.linalg.eigh(square)
        inner = np.einsum("vij,vi->vj", axes, right)  # along the axes
        lower = lattice.lower + lattice.spacing * low[bent]
        best = middle[bent].copy()
        done = np.zeros(len(bent), bool)
        for rank in (3, 2, 1):  # fewer directions where the minimum is outside the cell
            use = strength > BENT * strength[:, -1:]
            use[:, : 3 - rank] = False
            move = np.einsum("vij,vj->vi", axes, np.where(use, inner / np.where(use, strength, 1), 0))
            found = middle[bent] + move
            fits = _within(found, lower, lattice.spacing, 1e-9) & ~done
            # The tip of an edge or a corner may lie beyond a face of the cell between whose nodes it passes.
            near = np.flatnonzero(~fits & ~done & _within(found, lower, lattice.spacing, BEYOND))
            fits[near] = np.abs(closest(found[near])[0]) < EXACT * lattice.spacing
            best[fits] = found[fits]
            done |= fits
        points[bent] = best
    value, foot, _ = closest(points)
    good = (np.abs(value) < lattice.spacing / 2) & _within(
        foot, lattice.lower + lattice.spacing * low, lattice.spacing, BEYOND
    )
    return np.where(good[:, None], foot, points), sharp


def _within(points: np.ndarray, lower: np.ndarray, side: float, beyond: float) -> np.ndarray:
    """(v,) bool: which points are in cells (v, 3), enlarged by a fraction of their side."""
    room = beyond * side
    return np.asarray(((points >= lower - room) & (points <= lower + side + room)).all(1))


def _halved(points: np.ndarray, quad: np.ndarray, sharp: np.ndarray, closest: Closest) -> np.ndarray:
    """Faces (2 q, 3) of quadrilaterals (q, 4): cut along the shorter diagonal, or beside sharp edges along the one
    whose middle is nearer to the surface."""
    lengths = [np.linalg.norm(points[quad[:, k]] - points[quad[:, k + 2]], axis=1) for k in (0, 1)]
    second = lengths[1] < (1 - 1e-9) * lengths[0]
    near = np.flatnonzero(sharp[quad].any(1))
    if len(near):
        away = [np.abs(closest((points[quad[near, k]] + points[quad[near, k + 2]]) / 2)[0]) for k in (0, 1)]
        scale = 1e-6 * lengths[0][near].max()
        second[near] = np.where(np.abs(away[0] - away[1]) > scale, away[1] < away[0], second[near])
    turned = np.where(second[:, None], np.roll(quad, -1, axis=1), quad)
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def _summed(index: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sums (m, c) of rows (k, c) with the same index (k,)."""
    return np.stack([np.bincount(index, column) for column in rows.T], axis=1)
