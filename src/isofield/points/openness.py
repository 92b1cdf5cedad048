"""Whether points show a closed object, or an open surface: terrain, a room, a single view, a sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isofield.kdtree import KDTree, nearest
from isofield.points.enclosure import CELLS, COARSE, enclosure, unseen_share
from isofield.points.local_pca import EIGHTH, KEPT, Neighbourhoods, local_spacing, neighbourhoods, second_sheet
from isofield.points.orientation import Tree, agreement, piece_signs, sensor_votes, spanning_tree
from isofield.rows import evenly
from isofield.stopwatch import stage

MOST = 30_000
"""Points of the random subset that is looked at."""
CLOSED = 0.35
"""A surface is closed where the winding number, averaged over both sides, is at least this at the points in the median:
1/2 on a closed surface, 0 on a plane."""
TWO_SIDED, TRIED = 0.5, 2000
"""A thin part is seen from both sides where more than this share of the points have a second sheet near them; this many
are tried."""
SHEET, SHEET_SHARE = 0.2, 1 / 3
"""A surface is open, too, where the winding number is nearer to 0 than this on more than this share of the area: an
object, and the table that it stands on."""
SAMPLED = 6000
"""Points at which the winding number is taken, at most."""
UNSURE = 0.01
"""Beyond this conflict of the orientations, nothing can be decided; such points are those of thin parts in noise."""
UNEVEN = 3.5
"""The density is that around a sensor where the 95 % quantile of the local spacing is this many times the 5 % quantile:
1.7 to 3.1 for scans of objects, 3.6 to 10 for those of rooms, of a table and of a tree; but 2.4 where the sensor stands
in the middle of a cube."""
UNSEEN = 0.0075
"""Points of such a density show the surroundings of the sensor where more than this share of the closed surface is far
from all of them: its shadows, and the floor under it."""
OPENING = 0.1
"""Points of any density show an open surface where more than this share of the closed one is far from all of them: 0.13
of a box without a side, 0.12 of three quarters of a sphere, 0.05 of a vase seen from outside, at most 0.04 of scans of
whole objects, with their shadows."""
ALIKE = 0.75
"""Points belong to no surface where the cosines between the normals of neighbours are below this in the mean; 0.5 in a
volume of points, 0.95 and more on surfaces."""
LOOSE, FLAT = 0.5, 0.15
"""Where the orientation is not certain and at most this share of the points belongs to no surface, the others show an
open one if the winding number on them is below `FLAT`: ground under trees. Half of a sphere has 0.3."""
EVEN, MOSTLY = 0.9, 0.6
"""They are thinned to the density at this quantile of the local spacing. Where fewer than `MOSTLY` of the points that
seem to be without a surface still are, the others have one."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The neighbours of each of n points, and what was computed from them; None: not computed.

    near: the neighbours. tree: of the spanning tree over them. signs: (n,) +1 or -1, for the tree's signs without
    sensors. enclosed: (k,) `winding_number.enclosure` at some of the points, with those signs.
    """

    near: Neighbourhoods
    tree: Tree | None = None
    signs: np.ndarray | None = None
    enclosed: np.ndarray | None = None


@dataclass(frozen=True)
class Openness:
    """open: whether the surface ends where the points end. reason: why, in words. level: the mean winding number on
    both sides of the points, in the median; NaN where it was not computed. seen: what was found out about the points;
    None where only some of them were looked at. scattered: many points may belong to no surface; look again without
    them."""

    open: bool
    reason: str
    level: float = float("nan")
    seen: Surroundings | None = None
    scattered: bool = False


def openness(points: np.ndarray, sensors: np.ndarray | None = None, scanned: np.ndarray | None = None) -> Openness:
    """Whether points (n, 3) without outliers belong to an open surface.

    sensors: (n, 3) position of the sensor that measured each point, NaN where unknown, or None. scanned: (m, 3) the
    points before they were thinned, if they were. The points are oriented along a spanning tree, towards the sensors or
    outward; the winding number then measures how much they enclose.
    """
    points = np.asarray(points, np.float64)
    density = None
    if scanned is not None and sensors is None:
        density = unevenness(local_spacing(scanned[_some(len(scanned))]))
    if len(points) > MOST:
        chosen = _some(len(points))
        return replace(_looked_at(points[chosen], None if sensors is None else sensors[chosen], density), seen=None)
    return _looked_at(points, sensors, density)


def unevenness(spacing: np.ndarray) -> float:
    """The 95 % quantile of local spacings (n,) over the 5 % quantile."""
    low, high = np.quantile(spacing, [0.05, 0.95])
    return float(high / max(low, 1e-300))


def scattered(points: np.ndarray) -> np.ndarray:
    """(n,) bool: which of points (n, 3) belong to no surface: leaves, and what is thinner than their spacing.

    The planes through the neighbourhoods of adjacent points have unlike normals there, most of them even after dense
    parts were thinned to the density of sparse ones: a dense layer that is thick with noise is a surface.
    """
    return _scattered(points, _unlike(neighbourhoods(points)))


def _scattered(points: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """`scattered` of points (n, 3), where the normals of neighbours are unlike each other at `unlike` (n,)."""
    thin = _evened(points)
    if len(thin) <= KEPT:
        return unlike
    both = unlike & _unlike(neighbourhoods(thin))[nearest(KDTree(thin), points)[1]]
    return unlike if both.sum() >= MOSTLY * unlike.sum() else np.asarray(both)


def _evened(points: np.ndarray) -> np.ndarray:
    """Those of points (n, 3) that are left where dense parts are thinned to the density of the sparse ones."""
    spacing = local_spacing(points)
    share = np.square(spacing / max(float(np.quantile(spacing, EVEN)), 1e-300))
    return points[np.random.default_rng(0).random(len(points)) < share]


def _unlike(near: Neighbourhoods) -> np.ndarray:
    """(n,) bool: at which points the normals of neighbours are unlike each other."""
    alike = np.abs(np.einsum("nkd,nd->nk", near.normals[near.index[:, 1:13]], near.normals)).mean(1)
    return np.asarray(alike[near.index[:, :17]].mean(1) < ALIKE)


def _some(count: int) -> np.ndarray:
    """At most `MOST` random rows of `count`."""
    return np.sort(np.random.default_rng(0).permutation(count)[:MOST])


@stage("openness")
def _looked_at(points: np.ndarray, sensors: np.ndarray | None, density: float | None, again: bool = False) -> Openness:
    """`openness` of all points (n, 3). density: `unevenness` of the scan, or None for that of the points. again: those
    that belong to no surface were left out before."""
    near = neighbourhoods(points)
    spacing = np.median(near.distance[:, min(EIGHTH, len(points) - 1)][near.index[:, : EIGHTH + 1]], axis=1)
    uneven = (unevenness(spacing) if density is None else density) > UNEVEN
    seen = Surroundings(near)
    some = evenly(len(points), TRIED)
    two = second_sheet(points, near.index[some], near.normals[some], some).any(1).mean()
    if sensors is None and two > TWO_SIDED:
        return Openness(False, "the points show both sides of thin parts", seen=seen)
    areas = np.pi * near.distance[:, min(10, near.distance.shape[1] - 1)] ** 2 / 10
    tree = spanning_tree(near.normals, near.index[:, 1:13], agreement(points, near.normals, near.index, near.distance))
    seen = replace(seen, tree=tree)
    normals = near.normals * tree.signs[:, None]
    votes = None if sensors is None else sensor_votes(points, normals, sensors)
    if tree.energy > UNSURE and votes is None:
        if (
            uneven and len(thin := _evened(points)) > KEPT and len(thin) < len(points) / 2
        ):  # noise wider than the spacing
            shown = _looked_at(thin, None, UNEVEN * 2)
            return replace(shown, seen=seen, scattered=True)
        unlike = _unlike(near)
        if not again and unlike.mean() < LOOSE:
            sure = ~_scattered(points, unlike)
            if max(KEPT, LOOSE * len(points)) < np.count_nonzero(sure) < len(points):
                shown = _looked_at(points[sure], None, 0.0, again=True)
                if shown.open and abs(shown.level) < FLAT:
                    return replace(shown, seen=seen, scattered=True)
        return Openness(False, "the orientation is not certain", seen=seen, scattered=uneven)
    signs = piece_signs(points, normals, areas, tree.piece, votes)
    if votes is not None:
        signs = np.where(votes != 0, np.sign(votes), signs)
    normals = normals * signs[:, None]
    every = np.arange(len(points))[:: -(-len(points) // SAMPLED)]
    enclosed = enclosure(points, normals, areas, every)
    if votes is None:
        seen = replace(seen, signs=tree.signs * signs, enclosed=enclosed)
    level = float(np.median(enclosed))
    sheet = float(areas[every][np.abs(enclosed) < SHEET].sum() / areas[every].sum())
    if level >= CLOSED and sheet > SHEET_SHARE:
        return Openness(True, f"{100 * sheet:.0f} % of the area encloses no volume", level, seen)
    if level >= CLOSED:
        around = votes is None and uneven
        unseen = unseen_share(points, normals, areas, spacing, CELLS if around else COARSE)
        if unseen > (UNSEEN if around else OPENING):
            why = f"nothing was measured on {100 * unseen:.0f} % of what would close the surface"
            why = f"the density changes as around a sensor, and {why}" if around else why
            return Openness(True, why, level, seen)
        return Openness(False, "the points enclose a volume", level, seen)
    if level <= -CLOSED:
        return Openness(True, "the sensors stood inside: a room", level, seen)
    return Openness(True, "the points enclose no volume", level, seen)
