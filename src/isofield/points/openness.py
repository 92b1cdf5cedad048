"""Whether points show a closed object, or an open surface: terrain, a room, a single view, a sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isofield.points.local_pca import Neighbourhoods, neighbourhoods, second_sheet
from isofield.points.orientation import agreement
from isofield.points.spanning_tree import Tree, piece_signs, sensor_votes, spanning_tree
from isofield.points.winding_number import enclosure
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


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The neighbours of each of n points, and what they tell; None: not known.

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
    None where only some of them were looked at."""

    open: bool
    reason: str
    level: float = float("nan")
    seen: Surroundings | None = None


def openness(points: np.ndarray, sensors: np.ndarray | None = None, seed: int = 0) -> Openness:
    """Whether points (n, 3) without outliers belong to an open surface.

    sensors: (n, 3) position of the sensor that measured each point, NaN where unknown, or None. The points are oriented
    along a spanning tree, towards the sensors or outward; the winding number then tells how much they enclose.
    """
    points = np.asarray(points, np.float64)
    if len(points) > MOST:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(points))[:MOST])
        return replace(_looked_at(points[chosen], None if sensors is None else sensors[chosen]), seen=None)
    return _looked_at(points, sensors)


@stage("openness")
def _looked_at(points: np.ndarray, sensors: np.ndarray | None) -> Openness:
    """`openness` of all points (n, 3)."""
    near = neighbourhoods(points)
    seen = Surroundings(near)
    some = np.linspace(0, len(points) - 1, min(len(points), TRIED)).astype(np.int64)
    two = second_sheet(points, near.index[some], near.normals[some], some).any(1).mean()
    if sensors is None and two > TWO_SIDED:
        return Openness(False, "the points show both sides of thin parts", seen=seen)
    areas = np.pi * near.distance[:, min(10, near.distance.shape[1] - 1)] ** 2 / 10
    tree = spanning_tree(near.normals, near.index[:, 1:13], agreement(points, near.normals, near.index, near.distance))
    seen = replace(seen, tree=tree)
    normals = near.normals * tree.signs[:, None]
    votes = None if sensors is None else sensor_votes(points, normals, sensors)
    if tree.energy > UNSURE and votes is None:
        return Openness(False, "the orientation is not certain", seen=seen)
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
        return Openness(False, "the points enclose a volume", level, seen)
    if level <= -CLOSED:
        return Openness(True, "the sensors stood inside: a room", level, seen)
    return Openness(True, "the points enclose no volume", level, seen)
