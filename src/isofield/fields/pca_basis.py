"""Principal components of grids of distances, and of their mirror images.

The mirrorings along k axes form a group of 2^k, and the components of all images are those of the 2^k parts that are
even or odd along each axis: 2^k times as many shapes cost no more, and of each component a 2^k-th is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
import torch

from isofield.fields.pca_grid import PcaGrid, quantized

HOLD_OUT_EVERY = 8
"""Every 8th shape is held out when the mirror axes are chosen."""
EVEN: tuple[int, ...] = (0, 0, 0)
"""Even along every axis."""
LEAST_VARIANCE = 1e-6
"""Components with less of the largest variance than this are rounding."""


def components(grids: np.ndarray, axes: Sequence[int], length: int, megabytes: float) -> PcaGrid:
    """The mean and the principal components of grids (n, side, side, side) and of their mirror images along axes: at
    most `length` components, in at most this many megabytes."""
    parts = _parts(grids, axes)
    mean = parts[0].values.mean(0)
    parts[0] = replace(parts[0], values=parts[0].values - mean)
    rows, odd = [], []
    largest = _largest([part.gram() for part in parts], length, megabytes, len(mean))
    for part, (variance, vectors) in zip(parts, largest, strict=True):
        mixture = torch.from_numpy((vectors / np.sqrt(len(grids))).astype(np.float32))
        rows.append((mixture.T @ torch.from_numpy(part.values)).numpy())
        odd += [part.odd] * len(variance)
    return quantized(grids.shape[1] - 1, axes, mean, np.concatenate(rows), np.array(odd))


def best_axes(grids: np.ndarray, length: int, megabytes: float, shapes: int | None = None) -> tuple[int, ...]:
    """The axes whose mirror images lower the error of held-out shapes, at equal size of the space.

    shapes: the number of the grids that are shapes; the others are copies of these in turn, and those of a held-out
    shape are left out.
    """
    number = shapes or len(grids)
    owner = np.arange(len(grids)) % number
    left_out = owner % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1
    held_out = left_out & (np.arange(len(grids)) < number)
    if held_out.sum() < 2:
        return ()
    grams = {part.odd: part.gram() for part in _parts(grids, (0, 1, 2))}
    side, half = grids.shape[1], grids.shape[1] // 2 + 1
    errors: dict[tuple[int, ...], float] = {}
    for axes in (axes for size in range(4) for axes in combinations(range(3), size)):
        of_kind = [
            np.sum([g for odd, g in grams.items() if all(odd[a] == k for a, k in zip(axes, kind, strict=True))], axis=0)
            for kind in product((0, 1), repeat=len(axes))
        ]
        of_kind[0] = _centred(of_kind[0], ~left_out)
        nodes = half ** len(axes) * side ** (3 - len(axes))
        largest = _largest([gram[np.ix_(~left_out, ~left_out)] for gram in of_kind], length, megabytes, nodes)
        errors[axes] = 0.0
        for gram, (values, vectors) in zip(of_kind, largest, strict=True):
            explained = (vectors.T @ gram[np.ix_(~left_out, held_out)]) ** 2 / values[:, None]
            errors[axes] += float(np.trace(gram[np.ix_(held_out, held_out)]) - explained.sum())
    return min(errors, key=lambda axes: errors[axes])


@dataclass(frozen=True)
class _Part:
    """The part of grids that is even or odd along mirrored axes. odd: (3,) 0 or 1. values: (n, q), at 0 and above along
    them. weight: (q,) how many nodes of the grid each stands for."""

    odd: tuple[int, ...]
    values: np.ndarray
    weight: np.ndarray

    def gram(self) -> np.ndarray:
        """(n, n) float64, inner products over the whole grid."""
        weighted = torch.from_numpy(self.values * np.sqrt(self.weight))
        return (weighted @ weighted.T).double().numpy()


def _parts(grids: np.ndarray, axes: Sequence[int]) -> list[_Part]:
    """Grids (n, side, side, side) as the sum of parts that are even or odd along each of the axes."""
    half, parts = grids.shape[1] // 2, {EVEN: grids}
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


def _largest(
    grams: Sequence[np.ndarray], length: int, megabytes: float, nodes: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Eigenvalues (k,) and eigenvectors (n, k) of Gram matrices: together the largest for which there is room."""
    room = min(length, int(megabytes * 1e6 / nodes))
    pairs = [np.linalg.eigh(gram) for gram in grams]
    sizes = np.sort(np.concatenate([values for values, _ in pairs]))[::-1]
    least = max(sizes[min(room, len(sizes)) - 1], LEAST_VARIANCE * sizes[0])
    return [(values[values >= least], vectors[:, values >= least]) for values, vectors in pairs]


def _centred(gram: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Inner products of vectors less the mean of `some` (n,) bool of them."""
    to_mean = gram[:, some].mean(1)
    return gram - to_mean[:, None] - to_mean[None] + to_mean[some].mean()
