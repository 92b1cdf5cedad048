"""Oriented normals of a point cloud, and its noise.

Normals come from the principal components of each point's neighbours (Hoppe et al. 1992), up to their sign. The sign
comes from the sensors, where they are known. Open surfaces are oriented along a spanning tree (`orientation`), and
closed ones where that leaves no doubt; elsewhere the winding number (`winding_orientation`) corrects its signs in a few
rounds. Where the result does not enclose a volume, the winding number starts from no signs: a subset of the points is
oriented pair by pair, a larger one in clusters, and their directions vote for the signs of all points. A relaxation on
the neighbour graph makes the signs consistent (`orientation`). Patches through neighbours with similar normals
(`jets`) then give better normals, and the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from isofield.points.enclosure import enclosure, winding_number
from isofield.points.jets import Jets, fit_jets
from isofield.points.local_pca import Neighbourhoods, local_noise, neighbourhoods, scaled
from isofield.points.openness import Surroundings
from isofield.points.orientation import (
    Tree,
    agreement,
    closed_parts_outward,
    conflict,
    keep_given_orientation,
    piece_signs,
    propagate_signs,
    sensor_votes,
    spanning_tree,
)
from isofield.points.thin import sheet_normals
from isofield.points.winding_orientation import SUBSET, winding_votes
from isofield.stopwatch import stage
from isofield.topology import components
from isofield.types import Observation

SHEET_NOISE = 0.2
"""Two near sheets are separated up to this ratio of noise to spacing."""
AROUND = 0.25
"""An orientation is in doubt at points where the winding number is farther than this from 1/2, in the mean of both
sides."""
SURE, SURE_DOUBT = 1e-4, 0.01
"""The tree orients a closed surface of one piece if its conflict and the share of points in doubt are at most these."""
CORRECTABLE, WRONG, CORRECTED = 0.5, 0.45, 0.02
"""A few rounds with the winding number correct the tree's signs if the share in doubt is at most the first. The result
holds if the winding number is then off by the second at a share of at most the third: at sharp edges it is off by less,
beside parts that look inward by more."""
AGAIN = 0.006
"""Above this share of points where the winding number is off, the corrected signs are corrected once more."""
SHEET_DOUBT = 0.1
"""The winding number may correct the signs of two near sheets if it is off by `WRONG` at no more than this share."""
MOST_CONFLICT = 0.01
"""Largest conflict between neighbours at which a result is accepted."""
LEVELS = 20_000
"""Points at which the winding number is taken, at most."""
PIECE = 1000
"""A thin piece apart from the other points is oriented on its own if it and they have at least this many points."""
CLEAR = 0.22
"""Below this ratio of noise to spacing the signs are computed again with the normals of the patches: there the first
normals err because they mix both sides of thin parts, not because of noise."""


@dataclass(frozen=True)
class Oriented:
    """Points of a surface with outward normals; lengths in the units of the points.

    points: (n, 3) float64. normals: (n, 3) float64 of unit length, outward. areas: (n,) of the surface around each
    point. noise: (n,) standard deviation of each point off the surface. spacing: median distance to the nearest
    neighbour. turned: fraction of the normals that came with the points and now have the opposite sign, or None.
    """

    points: np.ndarray
    normals: np.ndarray
    areas: np.ndarray
    noise: np.ndarray
    spacing: float
    turned: float | None = None

    @property
    def median_noise(self) -> float:
        """Median of the noise of the points."""
        return float(np.median(self.noise))

    @cached_property
    def winding(self) -> Callable[[np.ndarray], np.ndarray]:
        """(m,) generalized winding number at queries (m, 3): near 1 inside, near 0 outside (Barill et al. 2018).

        Each point is replaced by an equilateral triangle of its area.
        """
        return winding_number(self.points, self.normals, self.areas)

    def level(self) -> float:
        """The winding number at the surface, in the median over at most `LEVELS` points: 1/2 on a closed one."""
        some = np.arange(len(self.points))[:: -(-len(self.points) // LEVELS)]
        return float(np.median(enclosure(self.points, self.normals, self.areas, some)))


@stage("orientation")
def orient(
    points: np.ndarray,
    normals: np.ndarray | None = None,
    noise: float | None = None,
    seed: int = 0,
    subset: int = SUBSET,
    sensors: np.ndarray | None = None,
    trusted: bool = False,
    encloses: bool = True,
    seen: Surroundings | None = None,
) -> Oriented:
    """Outward normals of points (n, 3) without outliers; on open surfaces towards the sensors, or upward.

    normals: (n, 3) that came with the points, or None; their directions are kept, and their orientation if it is
    consistent. noise: standard deviation of the points off the surface, or None to estimate it. subset: number of
    points that are oriented pair by pair; time grows with its square, and very thin parts need many.
    sensors: (n, 3) position of the sensor that measured each point, NaN where unknown. trusted: the given normals are
    oriented correctly. encloses: whether the points may enclose a volume. seen: their neighbours and what was computed
    from these, in any similar space.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    center, scale = (low + high) / 2, float((high - low).max())
    x = (points - center) / scale
    deviation = None if noise is None else noise / scale
    near = neighbourhoods(x) if seen is None else scaled(seen.near, 1 / scale)
    unsigned = near.normals if normals is None else _unit(np.asarray(normals, np.float64), near.normals)
    rough = local_noise(x, near) if deviation is None else np.full(len(x), deviation)
    areas = np.pi * near.distance[:, 10] ** 2 / 10
    clear = np.median(rough / np.sqrt(areas)) < SHEET_NOISE and normals is None and sensors is None
    sheets = sheet_normals(x, near) if clear else None
    if sheets is not None:
        jets = fit_jets(x, sheets, deviation, near)
        cloud = _Unsigned(x, jets.normals, near, _sheet_areas(near, jets.normals), 0.0, seed, subset if encloses else 0)
        if (signs := _corrected_sheets(cloud)) is not None:
            jets = fit_jets(x, jets.normals * signs[:, None], deviation, near)
        return _of_sheets(points, near, rough, jets, scale)
    if clear and encloses and len(apart := _thin_pieces(x, near)) > 1:
        return _joined([(at, orient(points[at], None, noise, seed, subset)) for at in apart])
    toward = None if sensors is None else (sensors - center) / scale
    known = Surroundings(near) if seen is None or normals is not None else replace(seen, near=near)
    cloud = _Unsigned(x, unsigned, near, areas, float(np.median(rough)), seed, subset if encloses else 0)
    kept: np.ndarray | None = None
    if trusted and normals is not None:
        votes = kept = signs = np.ones(len(x))
    else:
        votes = _votes(cloud, known, toward)
        signs = propagate_signs(cloud.around, cloud.pull, votes)
        kept = None if normals is None else keep_given_orientation(cloud.around, cloud.pull, signs)
        signs = signs if kept is None else kept
    jets = fit_jets(x, unsigned * signs[:, None], deviation, near)
    if kept is None and np.median(jets.noise / np.sqrt(areas)) < CLEAR:
        again = _signs_of_patches(cloud, jets, votes)
        if not np.array_equal(again, signs):
            signs, jets = again, fit_jets(x, unsigned * again[:, None], deviation, near)
    outward = jets.normals if normals is None else unsigned * signs[:, None]
    return Oriented(
        points,
        outward,
        areas * scale**2,
        np.minimum(rough, jets.noise) * scale,
        float(np.median(near.distance[:, 1])) * scale,
        None if normals is None else float((signs < 0).mean()),
    )


def oriented_points(observed: Observation, seed: int = 0, subset: int = SUBSET) -> Oriented:
    """`orient` of what was observed."""
    return orient(
        observed.points, observed.normals, observed.noise, seed, subset, observed.sensors, observed.oriented,
        not observed.open, observed.seen,
    )  # fmt: skip


@dataclass(frozen=True)
class _Unsigned:
    """Points x (n, 3) in a unit box with normals (n, 3) up to their sign, and what their signs are found from.

    near: their neighbours. areas: (n,) around each point. noise: their median standard deviation off the surface.
    subset: number of points that are oriented pair by pair; 0 for points that enclose no volume.
    """

    x: np.ndarray
    normals: np.ndarray
    near: Neighbourhoods
    areas: np.ndarray
    noise: float
    seed: int
    subset: int

    @cached_property
    def around(self) -> np.ndarray:
        """(n, 12) the neighbours that signs are compared with."""
        return self.near.index[:, 1:13]

    @cached_property
    def pull(self) -> np.ndarray:
        """(n, 12) how far the normals of neighbours agree (`agreement`)."""
        return agreement(self.x, self.normals, self.near.index, self.near.distance)

    def doubt(self, signs: np.ndarray, off: float) -> float:
        """`doubted` of the normals with these signs (n,)."""
        some = np.arange(len(self.x))[:: -(-len(self.x) // SUBSET)]
        return doubted(enclosure(self.x, self.normals * signs[:, None], self.areas, some, self.noise), off)

    def votes(self, start: np.ndarray | None = None) -> np.ndarray:
        """`winding_votes` (n,), from the signs `start` (n,) or from none."""
        return winding_votes(self.x, self.normals, self.around, self.areas, self.noise, self.seed, self.subset, start)


def _votes(cloud: _Unsigned, seen: Surroundings, sensors: np.ndarray | None) -> np.ndarray:
    """Votes (n,) for the signs of normals: of the sensors (n, 3) where these are given, elsewhere of the spanning tree,
    corrected by the winding number on points that enclose a volume, and on closed parts of open scenes."""
    measured = None if sensors is None else sensor_votes(cloud.x, cloud.normals, sensors)
    if measured is not None and (measured != 0).all():
        return measured
    tree = spanning_tree(cloud.normals, cloud.around, cloud.pull) if seen.tree is None else seen.tree
    votes = seen.signs if measured is None else None
    if votes is None:
        known = None if measured is None else measured * tree.signs
        upright = cloud.normals * tree.signs[:, None]
        votes = tree.signs * piece_signs(cloud.x, upright, cloud.areas, tree.piece, known)
    if cloud.subset:
        enclosed = seen.enclosed if measured is None else None
        doubt = cloud.doubt(votes, AROUND) if enclosed is None else doubted(enclosed)
        if not is_sure(tree, doubt):
            votes = _corrected_votes(cloud, votes if doubt <= CORRECTABLE else None)
    else:
        pull = cloud.pull * votes[:, None] * votes[cloud.around]
        votes = votes * closed_parts_outward(cloud.x, cloud.normals * votes[:, None], cloud.areas, cloud.around, pull)
    return votes if measured is None else np.where(measured != 0, measured, votes)


def _signs_of_patches(cloud: _Unsigned, jets: Jets, votes: np.ndarray) -> np.ndarray:
    """The signs (n,) of the normals, where the normals of patches are compared between neighbours."""
    flipped = np.where(np.einsum("nd,nd->n", cloud.normals, jets.normals) < 0, -1.0, 1.0)
    pull = agreement(cloud.x, jets.normals, cloud.near.index, cloud.near.distance)
    return flipped * propagate_signs(cloud.around, pull, flipped * votes)


def doubted(enclosed: np.ndarray, off: float = AROUND) -> float:
    """The share of points at which `enclosure` (k,) is off by that much from 1/2, its value on a closed surface.

    In a thick layer of points the areas come out too large, and with them all values: a median above 1/2 counts as 1/2.
    """
    return float((np.abs(enclosed * (0.5 / max(np.median(enclosed), 0.5)) - 0.5) >= off).mean())


def is_sure(tree: Tree, doubt: float) -> bool:
    """Whether normals along the tree certainly point outward everywhere on a closed surface.

    doubt: of these normals, as `doubted` gives it.
    """
    return tree.energy <= SURE and not tree.piece.any() and doubt <= SURE_DOUBT


def _corrected_votes(cloud: _Unsigned, start: np.ndarray | None) -> np.ndarray:
    """`winding_votes`, from the signs `start` (n,) if that gives a closed surface, else from none."""

    if start is not None:
        doubt, signs, corrected = _judged(cloud, start)
        if AGAIN < doubt <= CORRECTED:
            doubt, signs, corrected = min(
                (doubt, signs, corrected), _judged(cloud, signs), key=lambda result: result[0]
            )
        if doubt <= CORRECTED and conflict(cloud.pull, signs, cloud.around).mean() <= MOST_CONFLICT:
            return corrected
    return cloud.votes()


def _judged(cloud: _Unsigned, start: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The signs `start` (n,) corrected by the winding number: their doubt, signs (n,), and the votes (n,) for them."""
    corrected = cloud.votes(start)
    signs = propagate_signs(cloud.around, cloud.pull, corrected)
    return cloud.doubt(signs, WRONG), signs, corrected


def _corrected_sheets(cloud: _Unsigned) -> np.ndarray | None:
    """The signs (n,) by which the winding number corrects normals of two near sheets, whose walls may be wide enough
    for that in parts: at rims, and where walls are thicker, it is surer than the sheets. None where it is not."""
    doubt = cloud.doubt(np.ones(len(cloud.x)), WRONG) if cloud.subset else np.inf
    if doubt > SHEET_DOUBT:
        return None
    corrected, signs, _ = _judged(cloud, np.ones(len(cloud.x)))
    sure = conflict(cloud.pull, signs, cloud.around).mean() <= MOST_CONFLICT
    return signs if corrected < min(doubt, CORRECTED) and sure else None


def _sheet_areas(near: Neighbourhoods, normals: np.ndarray) -> np.ndarray:
    """(n,) areas of points on two near sheets with normals (n, 3): shared by the neighbours whose normals agree."""
    agree = np.einsum("nkd,nd->nk", normals[near.index], normals) > 0
    return np.asarray(np.pi * near.distance[:, -1] ** 2 / np.maximum(agree.sum(1), 1))


def _of_sheets(points: np.ndarray, near: Neighbourhoods, rough: np.ndarray, jets: Jets, scale: float) -> Oriented:
    """The points (n, 3) with normals of two near sheets. scale: of lengths, from the neighbourhoods to the points."""
    areas, noise = _sheet_areas(near, jets.normals), np.minimum(rough, jets.noise)
    return Oriented(
        points, jets.normals, areas * scale**2, noise * scale, float(np.median(near.distance[:, 1])) * scale
    )


def _thin_pieces(x: np.ndarray, near: Neighbourhoods) -> list[np.ndarray]:
    """The rows of each piece of x (n, 3) that lies apart from the others and has two near sheets, and of the rest."""
    rows, columns = np.repeat(np.arange(len(x)), 12), near.index[:, 1:13].ravel()
    piece = components(len(x), rows, columns)
    size = np.bincount(piece)
    large = np.flatnonzero((size >= PIECE) & (len(x) - size >= PIECE))
    pieces = [np.flatnonzero(piece == number) for number in large]
    thin = [at for at in pieces if sheet_normals(x[at], neighbourhoods(x[at])) is not None]
    rest = np.setdiff1d(np.arange(len(x)), np.concatenate([np.zeros(0, np.int64), *thin]))
    return [*thin, rest] if len(rest) >= PIECE else thin if not len(rest) else []


def _joined(parts: list[tuple[np.ndarray, Oriented]]) -> Oriented:
    """The points of parts, each with its rows, in the order of the rows."""
    order = np.argsort(np.concatenate([at for at, _ in parts]))
    points, normals, areas, noise = (
        np.concatenate([getattr(part, name) for _, part in parts])[order]
        for name in ("points", "normals", "areas", "noise")
    )
    return Oriented(points, normals, areas, noise, float(np.median([part.spacing for _, part in parts])))


def _unit(normals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Normals (n, 3) at unit length; zero and non-finite rows are replaced by those of `otherwise` (n, 3)."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normals / np.where(good, length, 1), otherwise)
