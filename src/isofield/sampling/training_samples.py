"""Training samples of one shape as each paper draws them. All lengths are normalised, all orders random."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial import cKDTree

from isofield.kdtree import nearest
from isofield.points import Oriented
from isofield.sampling.query_points import rough_distance
from isofield.solids.solid_parts import anywhere_on
from isofield.solids.triangles import Nearest
from isofield.topology import areas
from isofield.types import Distance

AGAIN = 20
"""How often, at most, others are drawn for points whose distance is not known."""
SURE, NEWTON = 1e-6, 3
"""A distance below this is zero, and how many steps lead there."""
BAND = 0.02
"""Deviation of samples along the normals of points."""


def surface(
    vertices: np.ndarray, faces: np.ndarray, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 3) evenly at random over triangles, and their faces' normals (count, 3) as wound."""
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

    points: (n, 3) on the surface. near: share of the samples that deviate from them, in equal bands of these
    variances; the others are anywhere in the cube from -1 to 1. Where the distance is NaN, hence not known, others are
    drawn; there are fewer rows where that does not help.
    """

    def draw(count: int) -> np.ndarray:
        close = round(near * count)
        x = random.uniform(-1, 1, (count, 3))
        for k, variance in enumerate(variances):
            part = x[k : close : len(variances)]
            part[:] = np.sqrt(variance) * random.standard_normal(part.shape)
            part += np.take(points, random.integers(len(points), size=len(part)), axis=0)
        return np.take(x, random.permutation(count), axis=0)

    return _known(draw, distance, count)


def _known(draw: Callable[[int], np.ndarray], distance: Distance, count: int) -> np.ndarray:
    """(count, 4): as many points as `draw` is asked for, and their distances; others for those where that is NaN."""
    rows = [np.empty((0, 4))]
    for _ in range(AGAIN):
        x = draw(count)
        value = distance(x)
        rows.append(np.column_stack([x, value])[~np.isnan(value)])
        count -= len(rows[-1])
        if not count:
            break
    return np.concatenate(rows)


def oriented_samples(oriented: Oriented, count: int, near: float, random: np.random.Generator) -> np.ndarray:
    """(count, 4): x y z and signed distance, as `signed`, of points with normals.

    Near the surface a sample lies along a point's normal, and the way to it is its distance; the others are anywhere in
    the cube, with the distance to the nearest point and the side of the winding number.
    """
    close = round(near * count)
    x, value = random.uniform(-1, 1, (count, 3)), np.empty(count)
    chosen, along = random.integers(len(oriented.points), size=close), BAND * random.standard_normal(close)
    x[:close] = oriented.points[chosen] + along[:, None] * oriented.normals[chosen]
    value[:close], value[close:] = along, rough_distance(oriented, x[close:])
    nearest_one = nearest(cKDTree(oriented.points), x[:close])[0]
    kept = np.concatenate([nearest_one > np.abs(along) - 2 * oriented.spacing, np.ones(count - close, bool)])
    return np.column_stack([x, value])[kept][random.permutation(int(kept.sum()))]


def unsigned(
    closest: Nearest, points: np.ndarray, count: int, neighbour: int, wide: float, random: np.random.Generator
) -> np.ndarray:
    """(count, 7): x y z, distance, and the direction away from the surface (Atzmon and Lipman 2020, 2021: SAL, SALD).

    closest: of the triangles. points: (n, 3) on the surface. Half of the samples deviate from their point by its
    distance to its `neighbour`-th nearest, the others by `wide`. The direction is zero on the surface itself.
    """
    tree = cKDTree(points)
    chosen = points[random.integers(len(points), size=count)]
    deviation = np.full((count, 1), wide)
    deviation[::2, 0] = nearest(tree, chosen[::2], k=[min(neighbour, len(points))])[0][:, 0]
    x = chosen + deviation * random.standard_normal((count, 3))
    away = x - closest(x)
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    return np.concatenate([x, distance, away / np.maximum(distance, 1e-12)], axis=1)[random.permutation(count)]


def cloud(points: np.ndarray, count: int, neighbour: int, random: np.random.Generator) -> np.ndarray:
    """(count, 6): queries and the points (n, 3) of the cloud nearest to them (Ma et al. 2021, Neural-Pull).

    A query deviates from its point by that point's distance to its `neighbour`-th nearest.
    """
    tree = cKDTree(points)
    chosen = points[random.integers(len(points), size=count)]
    deviation = nearest(tree, chosen, k=[min(neighbour, len(points))])[0]  # (count, 1)
    x = chosen + deviation * random.standard_normal((count, 3))
    return np.concatenate([x, points[nearest(tree, x)[1]]], axis=1)


def levelset(points: np.ndarray, free: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, 4): x y z and signed distance; points of the level set, where it is 0, and free points, where it is not
    (Sitzmann et al. 2020, MetaSDF: the first are the context, all others the query).

    points: (n, 3) on the surface. free: (m, 4) x y z and signed distance, in random order. Of four rows in succession
    two are on the surface, one is outside and one is inside, drawn again where there are too few; so every slice is
    balanced as a batch of theirs. Where nothing is inside, what is outside stands for it.
    """
    outside, inside = free[free[:, 3] > 0], free[free[:, 3] < 0]
    outside, inside = (outside if len(outside) else inside), (inside if len(inside) else outside)
    rows = np.zeros((count, 4))
    rows[::2, :3] = _some(points, len(rows[::2]), random)
    rows[1::4] = _some(outside, len(rows[1::4]), random)
    rows[3::4] = _some(inside, len(rows[3::4]), random)
    return rows


def _some(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` of the rows (n, ...) in random order; where there are fewer, each about as often."""
    return rows[np.concatenate([random.permutation(len(rows)) for _ in range(-(-count // len(rows)))])[:count]]


def zero_set(
    distance: Distance, points: np.ndarray, normals: np.ndarray, thickness: float, random: np.random.Generator
) -> np.ndarray:
    """(m, 3): points (n, 3) of triangles where their signed distance is zero; those of sheets, which are walls of this
    thickness, move along their normals (n, 3) to either of its sides. What lies inside of other parts is left out."""
    sheet = np.flatnonzero(distance(points) < -SURE)
    if not len(sheet):
        return points
    moved, side = points[sheet], normals[sheet] * random.choice([-1.0, 1.0], (len(sheet), 1))
    moved = moved + thickness / 2 * side
    for _ in range(NEWTON):  # in creases other faces are nearer
        moved = moved - distance(moved)[:, None] * side
    return np.concatenate([np.delete(points, sheet, axis=0), moved[np.abs(distance(moved)) < SURE]])


def occupancy(distance: Distance, count: int, padding: float, random: np.random.Generator) -> np.ndarray:
    """(count, 4): points anywhere in the cube of half side 1 + `padding`, and 1 where they are inside, else 0
    (Mescheder et al. 2019, Occupancy Networks)."""
    rows = _known(lambda count: random.uniform(-1 - padding, 1 + padding, (count, 3)), distance, count)
    return np.column_stack([rows[:, :3], rows[:, 3] < 0])
