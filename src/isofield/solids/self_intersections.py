"""Self-intersections: faces that cross, touch or nearly touch others of their part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import numpy as np

from isofield.kdtree import morton_order

NEAR = 1e-12
"""Faces nearer to each other than this fraction of the extent count as touching; above rounding errors."""
FOLDED = 1e-12
"""Adjacent faces are folded onto each other if one minus the cosine of their angle is below this."""
CHUNK = 1 << 17
"""Pairs of boxes per chunk."""


def crossed(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(m,) bool: which faces (m, 3) may meet another face of their part (m,); see `meeting`."""
    hit = np.zeros(len(faces), bool)
    for pairs in meeting(vertices, faces, part):
        hit[pairs] = True
    return hit


def meeting(vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (2, p) of faces (m, 3) of one part (m,) that may meet outside shared corners and edges.

    The test is conservative: two faces are apart if an axis separates them (Gottschalk, Lin and Manocha 1996), and all
    others count. Pairs come from a tree of boxes.
    """
    if not len(faces):
        return
    corners = vertices[faces]  # (m, 3, 3)
    order = morton_order(corners.mean(1))
    order = order[np.argsort(part[order], kind="stable")]
    low, high = (np.column_stack([edge, part])[order] for edge in (corners.min(1), corners.max(1)))  # (m, 4)
    near = NEAR * float(np.ptp(vertices, axis=0).max())
    positions = np.ascontiguousarray(vertices.T)  # long rows are several times faster than short ones
    ranked = np.ascontiguousarray(faces[order].T)
    for i, j in _overlapping(low, high):
        meet = ~_apart(positions, np.take(ranked, i, axis=1), np.take(ranked, j, axis=1), near)
        yield order[np.stack([i[meet], j[meet]])]


def _overlapping(low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs i < j of boxes (m, d) that overlap, from a binary tree over them; fastest in a spatially coherent order."""
    levels = []
    while len(low) > 1:
        if len(low) % 2:
            low, high = (np.concatenate([e, np.full((1, e.shape[1]), f)]) for e, f in ((low, np.inf), (high, -np.inf)))
        levels.append((np.ascontiguousarray(low.T), np.ascontiguousarray(high.T)))
        low, high = np.minimum(low[::2], low[1::2]), np.maximum(high[::2], high[1::2])
    todo = [(len(levels), np.zeros(1, np.int64), np.zeros(1, np.int64))]
    while todo:
        level, i, j = todo.pop()
        if level == 0:
            yield i, j
            continue
        if len(i) > CHUNK:
            todo += [(level, i[part], j[part]) for part in np.array_split(np.arange(len(i)), 2)]
            continue
        # A box with itself: both halves, and the pair of them once.
        twice = 2 * i[i != j] + 1
        i, j = (
            np.concatenate([2 * i, 2 * i, 2 * i + 1, twice]),
            np.concatenate([2 * j, 2 * j + 1, 2 * j + 1, 2 * j[i != j]]),
        )
        level -= 1
        for below, above in zip(*levels[level], strict=True):  # axis by axis
            meet = (below[i] <= above[j]) & (below[j] <= above[i])
            i, j = i[meet], j[meet]
        if level == 0:
            i, j = i[i != j], j[i != j]
        todo.append((level, i, j))


def _apart(positions: np.ndarray, one: np.ndarray, two: np.ndarray, near: float) -> np.ndarray:
    """(k,) bool: whether faces one (3, k) and two (3, k) provably meet only in their common corners and edge.

    positions: (3, n) of the vertices.
    """
    same = [[f == g for g in two] for f in one]  # each (k,)
    of_one, of_two = [a | b | c for a, b, c in same], [a | b | c for a, b, c in zip(*same, strict=True)]
    common = of_one[0].astype(np.int8) + of_one[1] + of_one[2]
    result = np.zeros(one.shape[1], bool)

    def rotated(faces: np.ndarray, chosen: np.ndarray, first: list[np.ndarray]) -> np.ndarray:
        """(3, 3, c) corners of the chosen faces, rotated so that the first marked corner comes first."""
        marked = [mark[chosen] for mark in first]
        a, b, c = (corner[chosen] for corner in faces)
        turned = [np.where(marked[0], x, np.where(marked[1], y, z)) for x, y, z in ((a, b, c), (b, c, a), (c, a, b))]
        return np.stack([np.take(positions, corner, axis=1) for corner in turned])

    far = np.flatnonzero(common == 0)
    a, b = (np.stack([np.take(positions, corner[far], axis=1) for corner in faces]) for faces in (one, two))
    a, b = a - a[0], b - a[0]
    result[far] = _separated(a, b, np.roll(a, -1, 0) - a, np.roll(b, -1, 0) - b, (a - b).sum(0), -near)

    touch = np.flatnonzero(common == 1)  # at a corner: the other corners, relative to it
    a, b = (x[1:] - x[0] for x in (rotated(one, touch, of_one), rotated(two, touch, of_two)))
    result[touch] = _separated(a, b, a, b, _unit(a[0]) + _unit(a[1]) - _unit(b[0]) - _unit(b[1]), near)

    fold = np.flatnonzero(common == 2)  # at an edge: in nothing else, unless they are folded onto each other
    a, b = (rotated(x, fold, [~mark for mark in marks]) for x, marks in ((one, of_one), (two, of_two)))
    along = _unit(a[2] - a[1])
    a, b = (x[0] - x[1] - along * _dot(x[0] - x[1], along) for x in (a, b))
    result[fold] = _dot(_unit(a), _unit(b)) < 1 - FOLDED
    return result


def _separated(
    a: np.ndarray, b: np.ndarray, along: np.ndarray, beside: np.ndarray, between: np.ndarray, near: float
) -> np.ndarray:
    """(k,) bool: whether an axis separates points a (p, 3, k) from b (p, 3, k).

    Tested are the direction `between` (3, k) their centres, the normals of the faces with edges `along` (e, 3, k) of a
    and `beside` (e, 3, k) of b, and the cross products of normals and edges. near: if negative, the gap must be wider
    than -near. If positive, a and b meet at the origin, and one must lie farther than that on one side of the axis and
    the other not.
    """
    separated = np.zeros(a.shape[2], bool)
    left = np.arange(len(separated))
    edges = range(len(along))

    def axes() -> Iterator[np.ndarray]:
        yield between[:, left]
        normals = [_cross(edge[0], edge[1]) for edge in (along, beside)]
        yield normals[0][:, left]
        yield normals[1][:, left]
        for k in edges:
            yield _cross(normals[0][:, left], along[k][:, left])
            yield _cross(normals[1][:, left], beside[k][:, left])
        for k in edges:
            for other in edges:
                yield _cross(along[k][:, left], beside[other][:, left])

    for axis in axes():
        axis = _unit(axis)
        one, two = ([_dot(x[:, left], axis) for x in points] for points in (a, b))
        one_low, one_high, two_low, two_high = (
            reduce(end, values) for values in (one, two) for end in (np.minimum, np.maximum)
        )
        if near < 0:
            apart = (one_high - two_low < near) | (two_high - one_low < near)
        else:
            slack = near / 100
            apart = (one_low > near) & (two_high < slack) | (two_low > near) & (one_high < slack)
            apart |= (one_high < -near) & (two_low > -slack) | (two_high < -near) & (one_low > -slack)
        separated[left[apart]] = True
        left = left[~apart]
        if not len(left):
            break
    return separated


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, k) and (3, k) to (3, k)."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(3, k) of unit length; zero stays zero."""
    return vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), 1e-300)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, k) and (3, k) to (k,)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
