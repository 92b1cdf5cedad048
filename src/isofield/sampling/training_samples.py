"""Training samples of one shape, as each paper draws them. Lengths are normalised, rows are in random order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from isofield.configs.preparing import Queries
from isofield.kdtree import KDTree, nearest
from isofield.points import Oriented
from isofield.sampling.query_points import around, rough_distance
from isofield.sampling.unsigned_rows import unsigned_rows
from isofield.solids.solid_parts import anywhere_on
from isofield.solids.triangles import Nearest
from isofield.topology import areas
from isofield.types import Distance

RETRIES = 20
"""Most times that points of uncertain sign are replaced."""
ZERO, NEWTON_STEPS = 1e-6, 3
"""A distance below this is zero; number of Newton steps toward the zero set."""
BAND = 0.02
"""Standard deviation of samples along the normals of points."""
WIDE = 0.3
"""Standard deviation of the wide queries of a cloud, as that of SAL's wide half (Atzmon and Lipman 2020)."""
QUERIES: Mapping[Queries, tuple[Sequence[float], float]] = {
    "paper": ((1.0,), 0.0), "released": ((2, 2, 2, 2, 2, 1, 1, 1), 0.0), "mixed": ((1.0,), 0.1),
}  # fmt: skip
"""The scales of the queries of a cloud, taken in turn, and the fraction of wide ones."""


def surface(
    vertices: np.ndarray, faces: np.ndarray, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 3), uniform over triangles, and the normals (count, 3) of their faces as wound."""
    area = areas(vertices, faces)
    chosen = random.choice(len(faces), count, p=area / area.sum())
    points = anywhere_on(vertices, faces, chosen, random)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    return points, np.take(normals, chosen, axis=0)


def signed(
    distance: Distance,
    points: np.ndarray,
    count: int,
    variances: Sequence[float],
    near: float,
    random: np.random.Generator,
) -> np.ndarray:
    """(count, 4): x y z and signed distance (Park et al. 2019, DeepSDF, section 5).

    points: (n, 3) on the surface. near: fraction of the samples that deviate from these points, in equal parts with
    these variances; the others are uniform in the cube from -1 to 1. Points with an uncertain distance (NaN) are drawn
    again; there are fewer rows if that fails `RETRIES` times.
    """

    def draw(count: int) -> np.ndarray:
        close = round(near * count)
        x = random.uniform(-1, 1, (count, 3))
        for k, variance in enumerate(variances):
            part = x[k : close : len(variances)]
            part[:] = np.sqrt(variance) * random.standard_normal(part.shape)
            part += np.take(points, random.integers(len(points), size=len(part)), axis=0)
        return np.take(x, random.permutation(count), axis=0)

    return _certain(draw, distance, count)


def _certain(draw: Callable[[int], np.ndarray], distance: Distance, count: int) -> np.ndarray:
    """(count, 4): points of `draw` and their distances, drawn again where the distance is NaN."""
    rows = [np.empty((0, 4))]
    for _ in range(RETRIES):
        x = draw(count)
        value = distance(x)
        rows.append(np.column_stack([x, value])[~np.isnan(value)])
        count -= len(rows[-1])
        if not count:
            break
    return np.concatenate(rows)


def oriented_samples(oriented: Oriented, count: int, near: float, random: np.random.Generator) -> np.ndarray:
    """(count, 4): x y z and signed distance, as `signed`, from points with normals.

    Near the surface, a sample lies on the normal of a point, and its distance is the offset along it; the others are
    uniform in the cube, with the distance to the nearest point and the sign of the winding number.
    """
    close = round(near * count)
    x, value = random.uniform(-1, 1, (count, 3)), np.empty(count)
    chosen, along = random.integers(len(oriented.points), size=close), BAND * random.standard_normal(close)
    x[:close] = oriented.points[chosen] + along[:, None] * oriented.normals[chosen]
    value[:close], value[close:] = along, rough_distance(oriented, x[close:])
    nearest_one = nearest(KDTree(oriented.points), x[:close])[0]
    kept = np.concatenate([nearest_one > np.abs(along) - 2 * oriented.spacing, np.ones(count - close, bool)])
    return np.column_stack([x, value])[kept][random.permutation(int(kept.sum()))]


def unsigned(
    closest: Nearest, points: np.ndarray, count: int, neighbour: int, wide: float, random: np.random.Generator
) -> np.ndarray:
    """(count, 7), as `unsigned_rows` (Atzmon and Lipman 2020, 2021: SAL, SALD).

    closest: the nearest point on the triangles. points: (n, 3) on the surface. The standard deviation of half of the
    samples is the distance of their point to its `neighbour`-th nearest, that of the others is `wide`.
    """
    tree = KDTree(points)
    chosen = points[random.integers(len(points), size=count)]
    deviation = np.full((count, 1), wide)
    deviation[::2, 0] = nearest(tree, chosen[::2], k=[min(neighbour, len(points))])[0][:, 0]
    x = chosen + deviation * random.standard_normal((count, 3))
    return unsigned_rows(x, closest(x))[random.permutation(count)]


def cloud(points: np.ndarray, count: int, neighbour: int, queries: Queries, random: np.random.Generator) -> np.ndarray:
    """(count, 6): queries and the points (n, 3) of the cloud nearest to them (Ma et al. 2021, Neural-Pull).

    The standard deviation of a query is the distance of its point to the `neighbour`-th nearest, times one of several
    scales (`query_points.around`); for a fraction of the queries it is `WIDE`.
    """
    scales, wide = QUERIES[queries]
    x = around(points, neighbour, scales)(random, count)
    far = random.random(count) < wide
    x[far] = points[random.integers(len(points), size=far.sum())] + WIDE * random.standard_normal((far.sum(), 3))
    x = x[random.permutation(count)]
    return np.concatenate([x, points[nearest(KDTree(points), x)[1]]], axis=1)


def levelset(points: np.ndarray, free: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 4): x y z and signed distance, of points on the level set and of free points (Sitzmann et al. 2020,
    MetaSDF: the former are the context, the latter the query).

    points: (n, 3) on the surface. free: (m, 4) x y z and signed distance, in random order. In every four rows, two are
    on the surface, one is outside and one is inside, so that every slice is balanced like their batches; rows repeat
    where there are too few. Without inside points, outside ones replace them, and the other way round.
    """
    outside, inside = free[free[:, 3] > 0], free[free[:, 3] < 0]
    outside, inside = (outside if len(outside) else inside), (inside if len(inside) else outside)
    rows = np.zeros((count, 4))
    rows[::2, :3] = _some(points, len(rows[::2]), random)
    rows[1::4] = _some(outside, len(rows[1::4]), random)
    rows[3::4] = _some(inside, len(rows[3::4]), random)
    return rows


def _some(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` of the rows (n, ...) in random order; fewer rows repeat, about equally often."""
    return rows[np.concatenate([random.permutation(len(rows)) for _ in range(-(-count // len(rows)))])[:count]]


def zero_set(
    distance: Distance, points: np.ndarray, normals: np.ndarray, thickness: float, random: np.random.Generator
) -> np.ndarray:
    """(m, 3): points (n, 3) of triangles, moved to where the signed distance is zero: those of sheets, which are
    thickened, move along their normals (n, 3), forward or backward. Points inside other parts are left out."""
    sheet = np.flatnonzero(distance(points) < -ZERO)
    if not len(sheet):
        return points
    moved, side = points[sheet], normals[sheet] * random.choice([-1.0, 1.0], (len(sheet), 1))
    moved = moved + thickness / 2 * side
    for _ in range(NEWTON_STEPS):  # in creases, other faces are nearer
        moved = moved - distance(moved)[:, None] * side
    return np.concatenate([np.delete(points, sheet, axis=0), moved[np.abs(distance(moved)) < ZERO]])


def occupancy(distance: Distance, count: int, padding: float, random: np.random.Generator) -> np.ndarray:
    """(count, 4): uniform points in the cube of half side 1 + `padding`, and 1 inside or 0 outside
    (Mescheder et al. 2019, Occupancy Networks)."""
    rows = _certain(lambda count: random.uniform(-1 - padding, 1 + padding, (count, 3)), distance, count)
    return np.column_stack([rows[:, :3], rows[:, 3] < 0])
