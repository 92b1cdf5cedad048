"""Queries that are known to be inside or outside, drawn from occupancy samples."""

from __future__ import annotations

import numpy as np

SEARCHED = 8
"""A balanced draw chooses among this many times as many samples."""


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
