"""Outliers: points that do not belong to the surface."""

from __future__ import annotations

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.local_pca import planes, residuals
from isofield.stopwatch import stage
from isofield.topology import components

SPARSER = 1.75
"""A point is an outlier if its 8th neighbour is this many times farther away than is typical of its neighbours; one in
thousands of points on a surface is."""
EVERY, AROUND, MUCH_SPARSER = 8, 16, 4.0
"""A point is an outlier, too, if its 8th neighbour is `MUCH_SPARSER` times farther away than is typical of the
`AROUND` nearest of every 8th point: outliers that lie near each other hide from the first test."""
ROUNDS = 4
SHEET, BEND, SLOPE, APART = 16, 0.01, 0.2, 0.95
"""The point is kept all the same where its `SHEET` nearest neighbours are flat (`BEND`, the ratio of their third
principal component to their second) and their plane leads to it within this slope: there the surface continues, unless
it is so far away that its nearest neighbour is almost (`APART`) as far as the last one."""
CURVED, PART = 0.05, 0.005
"""Points that are `MUCH_SPARSER` than the cloud are kept, too, if each of them and its `SHEET` nearest neighbours lie
on a quadric within this fraction of the distance of the last one, and they are more than this share of the points: a
sparse part of a surface that is curved between them."""
JUMP, ISLAND = 8.0, 16.0
"""Fewer than 9 points are outliers where a gap of `JUMP` times their own spacing is around them, and the points
beyond the gap are `ISLAND` times as dense."""
BULK, LONE = 0.15, 2.0
"""Points that are `MUCH_SPARSER` than the cloud and `LONE` than those around are outliers where that ratio is above
`BULK`: they fill a volume."""
CLUTTER = 0.1
"""Where more than this share of the points is `MUCH_SPARSER` than the cloud and fills a volume, all of these are
outliers: most of them have outliers around them."""
FRAGMENT, FRAGMENT_SHARE, LARGE = 20, 0.002, 30_000
"""A connected component with fewer points than this is a stray fragment. One with fewer than this fraction of the
points, or of `LARGE` points if there are more, is a stray fragment if it is far from the others."""
FAR = 4.0
"""A component is far from the others if they are this many times farther away than its own 8th neighbours."""


@stage("outliers")
def inliers(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) are not outliers.

    Every point is judged by its own surroundings, so that the density may differ over a cloud. The distance to the 8th
    neighbour must be at most `SPARSER` times its median over the neighbours (the local outlier factor of Breunig et al.
    2000, with medians), and at most `MUCH_SPARSER` times its median over a wider neighbourhood, unless the point
    continues a flat sheet. Points much sparser than the cloud must not fill a volume where they are sparser than those
    around, too, or where they are many (`CLUTTER`), and fewer than 9 points must not be far from all others. This is
    repeated, since outliers hide behind each other. The graph of 8 nearest neighbours, which needs no scale, must then
    connect the point to more than a few others: a stray fragment of a scan is as dense as the rest.
    """
    points = np.asarray(points, np.float64)
    kept, cluttered = np.ones(len(points), bool), False
    for _ in range(ROUNDS):
        index = np.flatnonzero(kept)
        x = points[index]
        tree = KDTree(x)
        distance, near = nearest(tree, x, k=9)
        eighth = distance[:, 8]
        sparse = eighth > SPARSER * np.median(eighth[near[:, 1:]], axis=1)
        ratio = _ratio(x, eighth)
        sparse |= ratio > MUCH_SPARSER
        thin = eighth > MUCH_SPARSER * np.median(eighth)
        rows = np.flatnonzero(sparse | thin)
        sheet, bulk = _shape(tree, rows, thin[rows])
        filling = thin[rows] & bulk
        cluttered = cluttered or filling.sum() > CLUTTER * len(points)
        outside = rows[(sparse[rows] & ~sheet) | (filling & (cluttered | (ratio[rows] > LONE)))]
        jump = (distance[:, 2:] > JUMP * distance[:, 1:8]).any(1)
        outside = np.union1d(outside, np.flatnonzero(jump & (eighth > ISLAND * eighth[near[:, 1:]].min(1))))
        kept[index[outside]] = False
        if not len(outside):
            break
    return kept & ~_fragments(points, kept)


def _ratio(x: np.ndarray, eighth: np.ndarray) -> np.ndarray:
    """(n,) how much farther the 8th neighbours of points (n, 3), at eighth (n,), are than is typical around them; 1
    where they are near."""
    result = np.ones(len(x))
    rows, some = np.flatnonzero(eighth > MUCH_SPARSER * np.quantile(eighth, 0.02)), eighth[::EVERY]
    _, near = nearest(KDTree(x[::EVERY]), x[rows], k=min(AROUND, len(some)))
    result[rows] = eighth[rows] / np.maximum(np.median(some[near], axis=1), 1e-300)
    return result


def _shape(tree: KDTree, rows: np.ndarray, thin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which points (m,) of the tree continue a sheet of their neighbours, flat or, where the points are thin (m,),
    curved, and which of them lie in a volume of points: both (m,) bool."""
    if not len(rows) or len(tree.data) <= SHEET:
        return np.zeros(len(rows), bool), np.ones(len(rows), bool)
    distance, near = nearest(tree, tree.data[rows], k=SHEET + 1)
    normals, _, bend = planes(tree.data, near[:, 1:])
    offset = tree.data[rows] - tree.data[near[:, 1:]].mean(1)
    height = np.abs(np.einsum("nd,nd->n", offset, normals))
    beside = distance[:, 1] <= APART * distance[:, SHEET]
    flat = (bend < BEND) & (height <= SLOPE * distance[:, 1])
    left = residuals(tree.data, normals, near, np.zeros(near.shape, bool))
    curved = thin & (bend < BULK) & (left < CURVED * distance[:, SHEET])
    curved &= np.count_nonzero(curved) > PART * len(tree.data)
    return (flat | curved) & beside, bend > BULK


def _fragments(points: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(n,) bool: points of stray fragments of the points that are kept (n,)."""
    index = np.flatnonzero(kept)
    x = points[index]
    tree = KDTree(x)
    distance, near = nearest(tree, x, k=9)
    part = components(len(index), np.repeat(np.arange(len(index)), 8), near[:, 1:].ravel())
    size = np.bincount(part)
    rows, last = np.argsort(part, kind="stable"), np.cumsum(size)
    stray = size < FRAGMENT
    for small in np.flatnonzero(~stray & (size < FRAGMENT_SHARE * min(len(index), LARGE))):
        own = rows[last[small] - size[small] : last[small]]
        far, around = tree.query(x[own], k=len(own) + 1)  # of these at least one is in another component
        gap = far[part[around] != small].min()
        stray[small] = gap > FAR * np.median(distance[own, 8])
    stray[size.argmax()] = False
    result = np.zeros(len(points), bool)
    result[index[stray[part]]] = True
    return result


def pieces(outliers: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(k,) numbers of points of the pieces that outliers (m, 3) form, the largest first.

    Neighbours are of one piece where they are at most as far apart as `FAR` times the distance of the 8th neighbour
    around the nearest of the points that are kept, (n, 3).
    """
    if not len(outliers):
        return np.zeros(0, np.int64)
    tree = KDTree(kept)
    beside = nearest(tree, outliers)[1]
    reach = FAR * nearest(tree, kept[beside], k=[min(9, len(kept))])[0][:, 0]
    distance, near = nearest(KDTree(outliers), outliers, k=list(range(1, min(9, len(outliers)) + 1)))
    joined = distance <= reach[:, None]
    rows = np.broadcast_to(np.arange(len(outliers))[:, None], near.shape)
    return np.sort(np.bincount(components(len(outliers), rows[joined], near[joined])))[::-1]
