"""Batches of random rows and of fresh samples."""

import numpy as np
import torch

from isofield.adapt import fresh, joined, rows


def test_rows_keep_what_belongs_together():
    x = torch.arange(100.0)
    batch = rows({"x": x, "y": 2 * x}, 30, np.random.default_rng(0))
    first = batch(0)
    assert torch.equal(2 * first["x"], first["y"])
    assert not torch.equal(first["x"], batch(1)["x"])


def test_fresh_samples_are_drawn_once_for_many_steps_and_never_twice():
    drawn: list[int] = []

    def draw(count: int):
        drawn.append(count)
        x = np.arange(count) + sum(drawn[:-1])
        return {"x": x, "y": -x}

    batch = fresh(draw, 5, "cpu")
    seen = []
    for step in range(40):
        both = batch(step)
        x, y = both["x"], both["y"]
        assert x.shape == (5,)
        assert x.dtype == torch.float32
        assert torch.equal(x, -y)
        seen += x.tolist()
    assert seen == list(range(200))
    assert len(drawn) == 2


def test_joined_batches_have_all_tensors():
    ones, twos = {"one": torch.ones(3)}, {"two": torch.full((2,), 2.0)}
    both = joined(rows(ones, 3, np.random.default_rng(0)), rows(twos, 2, np.random.default_rng(0)))(4)
    assert (len(both["one"]), len(both["two"]), both.epoch) == (3, 2, 5)
