"""Which shapes a step learns from: a pure function of the seed and the step, so that a training can resume anywhere.

Shape i belongs to shard i mod SHARDS, as row i // SHARDS there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from isofield.threads import SHARDS


def steps_of(count: int, batch: int) -> int:
    """Steps of an epoch of `count` shapes, at most `batch` a step."""
    return -(-count // batch)


def rows_of(step: int, shard: int, count: int, batch: int, seed: int) -> np.ndarray:
    """The rows in `shard` of the shapes of a step; an epoch has every shape once, in an order of its own."""
    steps = steps_of(count, batch)
    epoch, at = divmod(step, steps)
    order = _order(len(range(shard, count, SHARDS)), seed, epoch, shard)
    # The shards' orders, interleaved, are the order of the epoch; the step takes a piece of that.
    start, stop = (-(-(piece * count // steps - shard) // SHARDS) for piece in (at, at + 1))
    return order[start:stop]


@lru_cache(maxsize=2 * SHARDS)
def _order(count: int, seed: int, epoch: int, shard: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch, shard]).permutation(count)
