"""Which shapes a step learns from."""

import numpy as np
import pytest

from isofield.threads import SHARDS
from isofield.training.trainer import rows_of, steps_of


def shapes(step: int, count: int, batch: int, seed: int = 0) -> list[int]:
    return [int(row) * SHARDS + shard for shard in range(SHARDS) for row in rows_of(step, shard, count, batch, seed)]


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (3, 64), (6, 1), (6, 4), (50, 8), (400, 32), (65, 64)])
def test_an_epoch_has_every_shape_once_in_full_batches(count, batch):
    steps = steps_of(count, batch)
    for epoch in range(3):
        batches = [shapes(epoch * steps + at, count, batch) for at in range(steps)]
        assert sorted(shape for one in batches for shape in one) == list(range(count))
        sizes = {len(one) for one in batches}
        assert min(sizes) >= 1 and max(sizes) <= batch and max(sizes) - min(sizes) <= 1


def test_the_order_depends_on_epoch_and_seed_alone():
    first = [shapes(step, 50, 8) for step in range(14)]
    assert first == [shapes(step, 50, 8) for step in range(14)]
    assert first[:7] != first[7:]
    assert first[:7] != [shapes(step, 50, 8, seed=1) for step in range(7)]


def test_shards_share_a_batch_evenly():
    for step in range(30):
        sizes = [len(rows_of(step, shard, 101, 16, 0)) for shard in range(SHARDS)]
        assert np.ptp(sizes) <= 1
