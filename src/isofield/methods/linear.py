"""A linear space of shapes: principal components of truncated signed distances, codes by robust least squares.

Every shape i gives a grid g_i of its distances, cut off at +-limit, from its samples (`methods.grid_fit`). With the
mean m and the principal components b_l of the grids, each as large as its deviation (so that codes are white),

    f(x; z) = m(x) + sum_l z_l b_l(x),      z = argmin mean |f(x_j; z) - clamp(s_j)| + ridge |z|^2

over samples (x_j, s_j). The problem is convex, so that no start and no local optimum decide. What a code cannot hold of
an unseen shape, a residual grid beside it does: the stiffest one that agrees with the samples.

Principal components of distance fields are those of Leventon, Grimson and Faugeras 2000 ("Statistical Shape Influence
in Geodesic Active Contours"); here they are taken of the shapes and, where that helps, of their mirror images. The
mirrorings along k axes form a group of 2^k, and the components of all images are those of the 2^k parts that are even
or odd along each axis: as many shapes again cost no more, and of each component half, a quarter or an eighth is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import torch
from torch import Tensor

from isofield.adapt import deterministic, log_evidence, robust_least_squares
from isofield.configs import LinearConfig
from isofield.fields.grid import SparseGrid
from isofield.fields.pca_grid import PcaGrid, quantized
from isofield.methods.grid_fit import gridded, sharpened
from isofield.threads import parallel_map
from isofield.types import ProgressCallback, SdfSamples

HELD = 8
"""Every so-manieth shape is left out where the axes to mirror are chosen."""
NEITHER: tuple[int, ...] = (0, 0, 0)
"""Even along every axis."""
RANK = 1e-6
"""Components below this share of the largest variance are rounding."""

PARTIAL_RIDGE, PARTIAL_ROUNDS = 3e-9, 12
"""Of the fit of a code to a part of a shape."""
PRIORS = ((1.0, 1.0), (0.5, 0.1), (0.5, 0.01))
"""Priors of such a fit, of which the one that makes what was seen most probable is taken: the share of the training
codes that it is made of, those that explain it best; and the variance that every component has beside theirs (over all
of them it is 1), which says how much unlike them a shape may be."""
GLANCE = 2048
"""Samples by which training codes are told apart."""
Known = Callable[[int, int], SdfSamples]
"""Of training shape i, n samples."""


def known_of(rows: Callable[[int], np.ndarray]) -> Known:
    """What is known of shapes whose samples are rows (n, 4), in random order."""

    def known(shape: int, count: int) -> SdfSamples:
        some = np.array(rows(shape)[:count], np.float32)
        return SdfSamples(some[:, :3], some[:, 3])

    return known


def learn(known: Known, count: int, config: LinearConfig, tell: ProgressCallback) -> tuple[PcaGrid, Tensor]:
    """The space of `count` training shapes, and their codes (count, l)."""
    if config.cells % 2:
        raise ValueError(f"{config.cells} cells have no middle")
    side = config.cells + 1
    chosen = np.linspace(0, count - 1, min(count, config.most)).astype(int)
    grids = np.empty((len(chosen), side, side, side), np.float32)

    def grid(row: int) -> None:
        tell(f"fitting the grids of {len(chosen)} shapes", row / len(chosen))
        evidence = known(int(chosen[row]), config.samples)
        fitted = gridded(evidence, config.cells, config.limit, config.stiffness, config.iterations)
        grids[row] = fitted.reshape(grids.shape[1:])

    with deterministic():
        parallel_map(grid, range(len(chosen)))
        tell(f"taking the components of {len(chosen)} shapes", 0.0)
        named = tuple(map("xyz".index, config.mirror.strip("-"))) if config.mirror != "auto" else None
        space = components(grids, best_axes(grids, config) if named is None else named, config)
    codes = torch.empty(count, space.length)

    def code(i: int) -> None:
        tell(f"finding the codes of {count} shapes", i / count)
        codes[i] = solve(space, known(i, config.evidence // 2), config, config.rounds // 2)[0]

    with deterministic():
        parallel_map(code, range(count))
    return space, codes


def solve(space: PcaGrid, known: SdfSamples, config: LinearConfig, rounds: int | None = None) -> tuple[Tensor, Tensor]:
    """The code (l,) of a shape of which this is known, and the matrix (l, l) of the last round's normal equations."""
    features = space.features(torch.tensor(known.points, dtype=torch.float32))  # (n, 1 + l)
    value = torch.tensor(np.clip(known.distance, -config.limit, config.limit), dtype=torch.float32)
    return robust_least_squares(
        features[:, 1:], value - features[:, 0], config.ridge, rounds=rounds or config.rounds,
        free=None if known.free is None else torch.from_numpy(known.free),
    )  # fmt: skip


def complete(
    space: PcaGrid, known: SdfSamples, codes: Tensor, config: LinearConfig, count: int, random: torch.Generator
) -> Tensor:
    """Codes (count, l) of a shape of which a part is known.

    A prior decides where nothing was seen: z = mean + L a, a normal, L L' the covariance of training codes (n, l) and
    some variance of all components (`PRIORS`). The first code is the most probable one; the others are drawn from the
    normal distribution about it whose precision the last normal matrix M is (Laplace's approximation): the ridge is
    the noise's variance over the number of samples, so the covariance of a is ridge M^-1, and 1 where nothing was seen.
    """
    features = space.features(torch.tensor(known.points, dtype=torch.float32))  # (n, 1 + l)
    value = torch.tensor(np.clip(known.distance, -config.limit, config.limit), dtype=torch.float32) - features[:, 0]
    features = features[:, 1:]
    free = None if known.free is None else torch.from_numpy(np.asarray(known.free))
    ranked = codes[_missed(features, value, free, codes).argsort()].double()

    def fitted(share: float, unlike: float) -> tuple[float, Tensor, Tensor, Tensor, Tensor]:
        near = ranked[: max(math.ceil(share * len(ranked)), 2)]
        mean, centred = near.mean(0), near - near.mean(0)
        covariance = centred.T @ centred / max(len(near) - 1, 1)
        mixture = torch.linalg.cholesky(covariance + unlike * torch.eye(len(covariance), dtype=torch.float64))
        mixed, missing = features @ mixture.float(), value - features @ mean.float()
        a, normal = robust_least_squares(mixed, missing, PARTIAL_RIDGE, rounds=PARTIAL_ROUNDS, free=free)
        return log_evidence(mixed, missing, PARTIAL_RIDGE, a, normal, free), mean, mixture, a, normal

    found = [fitted(share, unlike) for share, unlike in PRIORS]
    _, mean, mixture, a, normal = max(found, key=lambda one: one[0])
    noise = torch.randn(len(a), count, generator=random, dtype=torch.float64)
    noise[:, 0] = 0
    spread = torch.linalg.solve_triangular(torch.linalg.cholesky(normal).T, noise, upper=True)
    drawn = a.double()[:, None] + PARTIAL_RIDGE**0.5 * spread
    return (mean + (mixture @ drawn).T).float()


def _missed(features: Tensor, value: Tensor, free: Tensor | None, codes: Tensor) -> Tensor:
    """Mean errors (n,) of codes (n, l) at the first samples: features (m, l), values (m,), those that are free (m,)."""
    error = features[:GLANCE] @ codes.T - value[:GLANCE, None]
    if free is not None:
        error = torch.where(free[:GLANCE, None], error.clamp(max=0), error)
    return error.abs().mean(0)


def refine(space: PcaGrid, known: SdfSamples, code: Tensor, config: LinearConfig) -> SparseGrid:
    """The field of a code and of what it lacks: the grid that bends least, and finer levels of it."""
    return residual(known, space.volume(code[None])[0].numpy(), config)


def residual(known: SdfSamples, start: np.ndarray, config: LinearConfig) -> SparseGrid:
    """The grid that bends least from values ((cells + 1)^3,) to what is known, and finer levels of it."""
    values = gridded(known, config.cells, config.limit, config.bend, config.refining, start)
    return sharpened(known, values, config.levels, config.smooth, config.refining)


@dataclass(frozen=True)
class _Part:
    """What of grids is even or odd along mirrored axes. odd: (3,) 0 or 1. values: (n, q), at 0 and above along them.
    weight: (q,) how many nodes of the grid each stands for."""

    odd: tuple[int, ...]
    values: np.ndarray
    weight: np.ndarray

    def gram(self) -> np.ndarray:
        """(n, n) float64, inner products over the whole grid."""
        weighted = torch.from_numpy(self.values * np.sqrt(self.weight))
        return (weighted @ weighted.T).double().numpy()


def _parts(grids: np.ndarray, axes: Sequence[int]) -> list[_Part]:
    """Grids (n, side, side, side) as the sum of parts that are even or odd along each of the axes."""
    half, parts = grids.shape[1] // 2, {NEITHER: grids}
    weight = np.ones(grids.shape[1:], np.float32)
    for axis in axes:
        halves: dict[tuple[int, ...], np.ndarray] = {}
        for odd, values in parts.items():
            above = np.take(values, range(half, 2 * half + 1), axis + 1)
            below = np.flip(np.take(values, range(half + 1), axis + 1), axis + 1)
            halves[odd] = (above + below) / 2
            halves[(*odd[:axis], 1, *odd[axis + 1 :])] = (above - below) / 2
        parts = halves
        weight = 2 * np.take(weight, range(half, 2 * half + 1), axis)
        weight[(slice(None),) * axis + (0,)] /= 2
    return [_Part(odd, values.reshape(len(grids), -1), weight.ravel()) for odd, values in parts.items()]


def components(grids: np.ndarray, axes: Sequence[int], config: LinearConfig) -> PcaGrid:
    """The mean and the principal components of grids (n, side, side, side) and of their images, mirrored along axes."""
    parts = _parts(grids, axes)
    mean = parts[0].values.mean(0)
    parts[0] = _Part(parts[0].odd, parts[0].values - mean, parts[0].weight)
    rows, odd = [], []
    for part, (variance, vectors) in zip(parts, _largest([p.gram() for p in parts], config, len(mean)), strict=True):
        mixture = torch.from_numpy((vectors / np.sqrt(len(grids))).astype(np.float32))
        rows.append((mixture.T @ torch.from_numpy(part.values)).numpy())
        odd += [part.odd] * len(variance)
    return quantized(config.cells, axes, mean, np.concatenate(rows), np.array(odd))


def _largest(grams: Sequence[np.ndarray], config: LinearConfig, nodes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Eigenvalues (k,) and eigenvectors (n, k) of Gram matrices: together the largest for which there is room."""
    room = min(config.length, int(config.megabytes * 1e6 / nodes))
    pairs = [np.linalg.eigh(gram) for gram in grams]
    sizes = np.sort(np.concatenate([values for values, _ in pairs]))[::-1]
    least = max(sizes[min(room, len(sizes)) - 1], RANK * sizes[0])
    return [(values[values >= least], vectors[:, values >= least]) for values, vectors in pairs]


def best_axes(grids: np.ndarray, config: LinearConfig) -> tuple[int, ...]:
    """The axes whose mirror images make shapes that were left out better known, at equal size of the space."""
    count = len(grids)
    held = np.arange(count) % HELD == HELD - 1
    if held.sum() < 2:
        return ()
    grams = {part.odd: part.gram() for part in _parts(grids, (0, 1, 2))}
    side, half = grids.shape[1], grids.shape[1] // 2 + 1
    missed: dict[tuple[int, ...], float] = {}
    for axes in (axes for number in range(4) for axes in combinations(range(3), number)):
        of_kind = [
            np.sum([g for odd, g in grams.items() if all(odd[a] == k for a, k in zip(axes, kind, strict=True))], axis=0)
            for kind in product((0, 1), repeat=len(axes))
        ]
        of_kind[0] = _centred(of_kind[0], ~held)
        nodes = half ** len(axes) * side ** (3 - len(axes))
        missed[axes] = 0.0
        for gram, (values, vectors) in zip(
            of_kind, _largest([g[np.ix_(~held, ~held)] for g in of_kind], config, nodes), strict=True
        ):
            known = (vectors.T @ gram[np.ix_(~held, held)]) ** 2 / values[:, None]
            missed[axes] += float(np.trace(gram[np.ix_(held, held)]) - known.sum())
    return min(missed, key=lambda axes: missed[axes])


def _centred(gram: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Inner products of vectors less the mean of those that are `known`."""
    to_mean = gram[:, known].mean(1)
    return gram - to_mean[:, None] - to_mean[None] + to_mean[known].mean()
