"""Which side is out: normals of an unoriented cloud, their sides, its noise and its outliers.

Normals come from the principal components of each point's neighbours (Hoppe et al. 1992), which leaves their sides
open. The sides come from the winding number: for the right sides it is 1 inside, 0 outside and 1/2 on the surface. A
subset of the points is oriented so (Lin, Shi and Liu, "Fast and Globally Consistent Normal Orientation based on the
Winding Number Normal Consistency", 2024), its sides are carried to all points, and a relaxation on the neighbour graph
cleans up. Patches through the neighbours on a point's own side (`jets`) then give better normals, and the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from isofield.shapes.jets import fit_jets
from isofield.shapes.sides import graph_sides, trusted, winding_sides
from isofield.threads import nearest, ranges

NEIGHBOURS = 16
"""Points of a neighbourhood whose principal components give the normal, where the noise is small."""
WIDER = (32, 64)
"""Neighbourhoods for points whose noise is not small beside the extent of the smaller ones."""
CLEAR = 0.22
"""Noise beside the spacing below which the sides are cleaned up again with the normals of patches on one side: there
the first normals err because they mix the sides of thin parts, and not because of noise."""
SPARSER = 1.75
"""A point whose 8th neighbour is so many times farther than that of its neighbours is an outlier; of points on a
surface one in thousands is."""
FRAGMENT, FRAGMENT_SHARE = 20, 0.002
"""A connected part of fewer points, or of a smaller share of all, is a stray."""
QUADRIC = 20
"""Points of a neighbourhood whose distance from a quadric tells the noise."""
LOW = 0.3
"""Quantile of those distances that tells the noise: edges, which no quadric fits, are above it."""
LOW_CHI = 0.88
"""That quantile of a deviation of 1 estimated from 20 points and six coefficients: the root of chi-square(14) / 14."""
FLAT = 0.08
"""Neighbourhoods below this share of the second principal component in the third are flat enough."""
FLATTER = 0.7
"""A wider neighbourhood counts where it is flatter by this factor."""


@dataclass(frozen=True)
class Neighbourhoods:
    """Each point's nearest neighbours and the plane through them; lengths in the units of the points.

    index, distance: (n, k), the point itself first. normals: (n, 3) of unit length, sides arbitrary. noise: (n,)
    standard deviation of the neighbours off that plane. bend: (n,) how far from flat, 0 to 1.
    """

    index: np.ndarray
    distance: np.ndarray
    normals: np.ndarray
    noise: np.ndarray
    bend: np.ndarray


@dataclass(frozen=True)
class Oriented:
    """Points of a surface with outward normals; lengths in the units of the points.

    points: (n, 3) float64. normals: (n, 3) float64 of unit length, outward. areas: (n,) the part of
    the surface that each point stands for. noise: (n,) standard deviation of each point off the surface. spacing:
    median distance of neighbours.
    """

    points: np.ndarray
    normals: np.ndarray
    areas: np.ndarray
    noise: np.ndarray
    spacing: float

    def winding(self, queries: np.ndarray) -> np.ndarray:
        """(m,) generalised winding number at queries (m, 3): near 1 inside, near 0 outside (Barill et al. 2018).

        Every point counts as an equilateral triangle of its own area.
        """
        import igl

        across = np.cross(self.normals, np.eye(3)[np.abs(self.normals).argmin(1)])
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        along = np.cross(self.normals, across)
        reach = np.sqrt(self.areas * 4 / (3 * np.sqrt(3)))[:, None]  # circumradius
        angles = np.arange(3) * 2 * np.pi / 3
        corners = np.stack([self.points + reach * (np.cos(a) * across + np.sin(a) * along) for a in angles], 1)
        tree = igl.FastWindingNumberBVH()
        tree.init(corners.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int64).reshape(-1, 3))
        return np.asarray(tree.winding_number(np.ascontiguousarray(queries, np.float64)))


def orient(
    points: np.ndarray, normals: np.ndarray | None = None, noise: float | None = None, seed: int = 0
) -> Oriented:
    """Outward normals of unoriented points (n, 3), which hold no outliers any more.

    normals: (n, 3) or None, normals that came with the points; their directions stay, and their sides where they are
    consistent with each other. noise: standard deviation of the points off the surface, or None to estimate it.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    center, scale = (low + high) / 2, float((high - low).max())
    x = (points - center) / scale
    known = None if noise is None else noise / scale
    near = neighbourhoods(x)
    found = near.normals if normals is None else _unit(np.asarray(normals, np.float64), near.normals)
    rough = local_noise(x, near) if known is None else np.full(len(x), known)
    areas = np.pi * near.distance[:, 10] ** 2 / 10
    votes = winding_sides(x, found, near.index[:, 1:13], areas, float(np.median(rough)), seed)
    sides = graph_sides(x, found, near.index, near.distance, votes)
    kept = None if normals is None else trusted(x, found, near.index, near.distance, sides)
    sides = sides if kept is None else kept
    jets = fit_jets(x, found * sides[:, None], known)
    if kept is None and np.median(jets.noise / np.sqrt(areas)) < CLEAR:
        turned = np.where(np.einsum("nd,nd->n", found, jets.normals) < 0, -1.0, 1.0)
        sides = turned * graph_sides(x, jets.normals, near.index, near.distance, turned * votes)
        jets = fit_jets(x, found * sides[:, None], known)
    outward = jets.normals if normals is None else found * sides[:, None]
    return Oriented(
        points,
        outward,
        areas * scale**2,
        np.minimum(rough, jets.noise) * scale,
        float(np.median(near.distance[:, 1])) * scale,
    )


def inliers(points: np.ndarray) -> np.ndarray:
    """(n,) bool: points (n, 3) that are no outliers.

    A point stays if its 8th neighbour is neither over four times farther than is usual in the cloud nor over
    `SPARSER` times farther than is usual among those neighbours, judged thrice (outliers hide behind each other), and
    if the graph of 8 nearest neighbours, which needs no scale, connects it to more than a few points (a stray fragment
    of a scan is as dense as the rest). The second measure is the local outlier factor (Breunig et al. 2000), with
    medians.
    """
    kept = np.ones(len(points), bool)
    for _ in range(3):
        index = np.flatnonzero(kept)
        distance, near = nearest(cKDTree(points[index]), points[index], k=9)
        eighth = distance[:, 8]
        around = np.median(eighth[near[:, 1:]], axis=1)
        kept[index[(eighth > 4 * np.median(eighth)) | (eighth > SPARSER * around)]] = False
    index = np.flatnonzero(kept)
    near = nearest(cKDTree(points[index]), points[index], k=9)[1][:, 1:]
    rows = np.repeat(np.arange(len(index)), 8)
    graph = coo_matrix((np.ones(len(rows), bool), (rows, near.ravel())), shape=(len(index), len(index)))
    part = connected_components(graph, directed=False)[1]
    size = np.bincount(part)
    few = size < max(FRAGMENT, FRAGMENT_SHARE * len(index))
    few[size.argmax()] = False
    kept[index[few[part]]] = False
    return kept


def neighbourhoods(points: np.ndarray) -> Neighbourhoods:
    """Planes through the neighbours of every point (n, 3).

    A plane through points that lie as far off the surface as they lie apart says nothing: where 16 neighbours are not
    flat, 32 and 64 are tried, and the flattest neighbourhood counts.
    """
    tree = cKDTree(points)
    distance, index = nearest(tree, points, k=min(25, len(points)))
    normals, noise, bend = planes(points, index[:, :NEIGHBOURS])
    unclear = np.flatnonzero(bend > FLAT)
    for wider in WIDER:
        if len(unclear) == 0 or len(points) < 4 * wider:
            break
        _, more = nearest(tree, points[unclear], k=wider)
        found, off, bent = planes(points, more)
        better = bent < bend[unclear] * FLATTER
        at = unclear[better]
        normals[at], noise[at], bend[at] = found[better], off[better], bent[better]
        unclear = unclear[bend[unclear] > FLAT]
    return Neighbourhoods(index, distance, normals, noise, bend)


def planes(points: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes through points[index], index (n, k): normals (n, 3), root mean square distance (n,), and how bent (n,).

    Bent is the least principal component's share of the second: 0 for a plane, 1 for a ball or a line.
    """
    normals, noise, bend = (np.empty((len(index), *tail)) for tail in ((3,), (), ()))
    for rows in ranges(len(index), 50_000):
        patch = points[index[rows]]  # (n, k, 3)
        patch = patch - patch.mean(1, keepdims=True)
        values, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", patch, patch))
        values = np.maximum(values, 0)
        normals[rows] = vectors[:, :, 0]
        noise[rows] = np.sqrt(values[:, 0] / (index.shape[1] - 3))
        bend[rows] = values[:, 0] / np.maximum(values[:, 1], 1e-300)
    return normals, noise, bend


def local_noise(points: np.ndarray, near: Neighbourhoods) -> np.ndarray:
    """(n,) standard deviation of points (n, 3) off the surface: what a quadratic patch through 20 neighbours leaves.

    A low quantile among the neighbours counts, because no quadric fits an edge, and it stays within a factor of two of
    the whole cloud's.
    """
    left = quadrics(points, points, near.normals, near.index[:, :QUADRIC])
    local = np.quantile(left[near.index[:, :QUADRIC]], LOW, axis=1) / LOW_CHI
    usual = float(np.quantile(left, LOW)) / LOW_CHI
    return np.clip(local, usual / 2, usual * 2)


def quadrics(at: np.ndarray, points: np.ndarray, normals: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(m,) root mean square distance of neighbours points[index], index (m, k), from the quadric that fits them best.

    The quadric is a height over the plane at each of `at` (m, 3) with `normals` (m, 3): six coefficients.
    """
    result = np.empty(len(at))
    for rows in ranges(len(at), 50_000):
        n = normals[rows]
        a = np.cross(n, np.eye(3)[np.abs(n).argmin(1)])
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        offset = points[index[rows]] - at[rows][:, None]  # (m, k, 3)
        u, v, w = (np.einsum("nkd,nd->nk", offset, axis) for axis in (a, np.cross(n, a), n))
        reach = np.maximum(np.abs(offset).max((1, 2)), 1e-300)[:, None]
        u, v = u / reach, v / reach
        terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], -1)  # (m, k, 6)
        square = np.einsum("nki,nkj->nij", terms, terms) + 1e-6 * np.eye(6)
        best = np.linalg.solve(square, np.einsum("nki,nk->ni", terms, w)[..., None])[..., 0]
        left = w - np.einsum("nki,ni->nk", terms, best)
        result[rows] = np.sqrt(np.square(left).sum(1) / (index.shape[1] - 6))
    return result


def noise_level(points: np.ndarray) -> float:
    """Standard deviation of points (n, 3) off their surface, in their units, from at most 20 000 of them."""
    points = np.asarray(points, np.float64)
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    _, index = nearest(cKDTree(points), points[chosen], k=QUADRIC)
    normals = planes(points, index[:, :NEIGHBOURS])[0]
    return float(np.quantile(quadrics(points[chosen], points, normals, index), LOW)) / LOW_CHI


def spacing(points: np.ndarray) -> float:
    """Median distance of points (n, 3) to their nearest neighbour, from at most 20 000 of them."""
    chosen = np.linspace(0, len(points) - 1, min(len(points), 20_000)).astype(np.int64)
    return float(np.median(nearest(cKDTree(points), points[chosen], k=[2])[0]))


def _unit(normals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    good = np.isfinite(length) & (length > 0)
    return np.where(good, normals / np.where(good, length, 1), otherwise)
