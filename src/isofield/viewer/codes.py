"""Codes of a space as places on a map, as sliders, and as sums of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isofield.api import ShapeSpace
from isofield.api.space import Pca

DIRECTIONS = 6
"""Principal directions that have a slider, at most."""
LEAST = 1e-3
"""A direction whose deviation is a smaller fraction of the first one's has no slider."""
COLORS = np.array([
    (76, 114, 176), (221, 132, 82), (85, 168, 104), (196, 78, 82), (129, 114, 179), (147, 120, 96), (218, 139, 195),
    (140, 140, 140), (204, 185, 116), (100, 181, 205),
])  # fmt: skip
"""Colours of classes, in the order of their names; later classes begin again."""


def directions_of(space: ShapeSpace) -> Pca:
    """The principal directions of the training codes that have a slider."""
    found = space.pca(DIRECTIONS)
    count = int((found.deviations > LEAST * max(float(found.deviations.max(initial=0)), 1e-12)).sum())
    return Pca(found.axes[:count], found.deviations[:count])


def coordinates(space: ShapeSpace, directions: Pca, codes: np.ndarray) -> np.ndarray:
    """(n, k) of codes (n, l) along the directions from the mean, in deviations."""
    return (np.atleast_2d(codes) - space.mean) @ directions.axes.T / directions.deviations


def with_coordinates(space: ShapeSpace, directions: Pca, code: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The code (l,) moved along the directions to the coordinates (k,); what it has across them stays."""
    move = (np.asarray(wanted) - coordinates(space, directions, code)[0]) * directions.deviations
    return np.asarray(code + move @ directions.axes, np.float32)


def combined(start: np.ndarray, toward: np.ndarray, away: np.ndarray, share: float) -> np.ndarray:
    """start + share (toward - away), all (l,): an interpolation where `away` is the start, else code arithmetic."""
    return np.asarray(start + share * (toward - away), np.float32)


def map_of(space: ShapeSpace, codes: np.ndarray) -> np.ndarray:
    """(n, 2) of codes (n, l) on a map: the first two principal components, the training codes within [-1, 1]."""
    axes = space.pca(2).axes
    flat = np.zeros((len(space.codes), 2)), np.zeros((len(np.atleast_2d(codes)), 2))
    for plane, some in zip(flat, (space.codes, np.atleast_2d(codes)), strict=True):
        plane[:, : len(axes)] = (some - space.mean) @ axes.T
    return flat[1] / max(float(np.abs(flat[0]).max()), 1e-12)


def colors_of_labels(labels: Sequence[str]) -> np.ndarray:
    """(n, 3) uint8, one colour a class."""
    names = sorted(set(labels))
    return COLORS[[names.index(label) % len(COLORS) for label in labels]].astype(np.uint8)
