"""Batches of random rows and of fresh samples."""

import numpy as np
import torch

from isofield.adapt import fresh, joined, rows


def test_rows_keep_what_belongs_together():
    x = torch.arange(100.0)
    batch = rows([x, 2 * x], 30, np.random.default_rng(0))
    first, second = batch(0)
    assert torch.equal(2 * first, second)
    assert not torch.equal(first, batch(1)[0])


def test_fresh_samples_are_drawn_once_for_many_steps_and_never_twice():
    drawn: list[int] = []

    def draw(count: int):
        drawn.append(count)
        x = np.arange(count) + sum(drawn[:-1])
        return x, -x

    batch = fresh(draw, 5, "cpu")
    seen = []
    for step in range(40):
        x, y = batch(step)
        assert x.shape == (5,)
        assert x.dtype == torch.float32
        assert torch.equal(x, -y)
        seen += x.tolist()
    assert seen == list(range(200))
    assert len(drawn) == 2


def test_joined_batches_follow_each_other():
    ones, twos = [torch.ones(3)], [torch.full((2,), 2.0)]
    both = joined(rows(ones, 3, np.random.default_rng(0)), rows(twos, 2, np.random.default_rng(0)))
    assert [len(part) for part in both(0)] == [3, 2]
