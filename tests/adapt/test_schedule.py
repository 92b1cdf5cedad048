"""Learning rates, by hand."""

import math

import pytest

from isofield.adapt import rate
from isofield.configs import Schedule


def test_a_rate_in_steps_halves_at_the_published_epochs():
    config = Schedule(5e-4, "step", 500, 0.5)
    rates = [rate(config, 0, 1, epoch) for epoch in (1, 499, 500, 999, 1000, 2001)]
    assert rates == [5e-4, 5e-4, 2.5e-4, 2.5e-4, 1.25e-4, 5e-4 / 16]


def test_a_warm_up_rises_evenly_and_then_stays():
    config = Schedule(1e-4, "warmup", 10, final=1e-3)
    assert [rate(config, 0, 1, epoch) for epoch in (5, 10, 50)] == pytest.approx([5.5e-4, 1e-3, 1e-3])


def test_a_constant_rate_is_constant():
    assert {rate(Schedule(0.01), step, 9, step) for step in range(9)} == {0.01}


def test_a_cosine_rises_and_falls_to_its_end():
    config = Schedule(1.0, "cosine", final=0.1, warm_up=0.1)
    rates = [rate(config, step, 100, 1) for step in range(100)]
    assert rates[4] == pytest.approx(0.5)
    assert rates[9] == pytest.approx(1.0)
    assert rates[54] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 2)))
    assert rates[99] == pytest.approx(0.1)
