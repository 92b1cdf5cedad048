"""Training samples of a shape, half of them inside: signed distances (DeepSDF's released code: Park et al. 2019), and
occupancy."""

from __future__ import annotations

import math

import numpy as np

from isofield.types import SdfSamples

SLACK = 1.5
"""A window has this many times the rows that are expected to hold the samples of one side."""
COUNTED = 40_000
"""Samples that are counted for the fraction inside."""
SEARCHED = 8
"""A balanced draw of occupancy chooses among this many times as many samples."""


def fraction_inside(samples: SdfSamples) -> float:
    """About the fraction of the samples that is inside; 0 or 1 only where all of them are on one side."""
    fraction = float((samples.distance[:COUNTED] < 0).mean()) if len(samples.distance) else 0.0
    exact = 0 < fraction < 1 or not len(samples.distance)
    return fraction if exact else float((samples.distance < 0).mean())


def balanced(samples: SdfSamples, count: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """`count` samples, half of them inside: "points" (count, 3) and "distance" (count,), float32.

    They come out of windows at random positions, since the samples are in random order. Where a side has too few, all
    of its rows repeat, as often as each other or once more. Raises ValueError where a side has none.
    """
    half = count // 2
    points, distance = zip(
        *(_side(samples, *one, random) for one in ((True, half), (False, count - half))), strict=True
    )
    return {"points": np.concatenate(points), "distance": np.concatenate(distance)}


def _side(
    samples: SdfSamples, negative: bool, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 3) and distances (count,) of one side."""
    inside = fraction_inside(samples) if samples.inside is None else samples.inside
    fraction, total = inside if negative else 1 - inside, len(samples.points)
    size = min(total, math.ceil(SLACK * count / fraction) + 16 if fraction > 0 else total)
    start = int(random.integers(total - size + 1))
    rows = np.zeros(0, int)
    for first, last in ((start, start + size), (0, total)):
        part = samples.part(first, last)
        points, distance = np.asarray(part.points, np.float32), np.asarray(part.distance, np.float32)
        rows = np.flatnonzero((distance < 0) == negative)
        if len(rows) >= count:
            return points[rows[:count]], distance[rows[:count]]
    if not len(rows):
        raise ValueError(f"no sample {'inside' if negative else 'outside'}")
    rows = np.resize(random.permutation(rows), count)
    return points[rows], distance[rows]


def labelled(
    rows: np.ndarray, count: int, random: np.random.Generator, *, balanced: bool = False
) -> dict[str, np.ndarray]:
    """Queries "query" (count, 3), whether they are "outside" (count,), 1 or 0, and "shift" (1,), float32.

    rows: (n, 4) samples in random order, x y z and 1 inside or 0 outside; they repeat where there are fewer. balanced:
    half of the queries are inside. That changes the odds of being outside by exp(shift): a logit l of these odds among
    all samples is l + shift among the queries (King and Zeng 2001, "Logistic Regression in Rare Events Data", eq. 7).
    """
    wanted = count * SEARCHED if balanced else count
    start = int(random.integers(max(len(rows) - wanted, 0) + 1))
    some = np.asarray(rows[start : start + wanted], np.float32)
    inside, shift = some[:, 3] > 0.5, 0.0
    taken = np.resize(np.arange(len(some)), count)
    share = float(inside.mean())
    if balanced and 0 < share < 1 and count > 1:
        half = count // 2
        taken = np.concatenate([
            np.resize(np.flatnonzero(side), size) for side, size in ((inside, half), (~inside, count - half))
        ])  # fmt: skip
        shift = float(np.log((count - half) / half * share / (1 - share)))
    return {
        "query": some[taken, :3], "outside": (~inside[taken]).astype(np.float32),
        "shift": np.array([shift], np.float32),
    }  # fmt: skip
