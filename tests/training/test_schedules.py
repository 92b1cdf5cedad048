"""Learning rates, by hand."""

import math

import pytest

from isofield.configs import RateConfig
from isofield.training import rate


def test_a_rate_in_steps_halves_at_the_published_epochs():
    config = RateConfig(5e-4, "step", 500, 0.5)
    found = [rate(config, 0, 1, epoch) for epoch in (1, 499, 500, 999, 1000, 2001)]
    assert found == [5e-4, 5e-4, 2.5e-4, 2.5e-4, 1.25e-4, 5e-4 / 16]


def test_a_warm_up_rises_evenly_and_then_stays():
    config = RateConfig(1e-4, "warmup", 10, final=1e-3)
    assert [rate(config, 0, 1, epoch) for epoch in (5, 10, 50)] == pytest.approx([5.5e-4, 1e-3, 1e-3])


def test_a_constant_rate_is_constant():
    assert {rate(RateConfig(0.01), step, 9, step) for step in range(9)} == {0.01}


def test_a_cosine_rises_and_falls_to_its_end():
    config = RateConfig(1.0, "cosine", final=0.1, rise=0.1)
    found = [rate(config, step, 100, 1) for step in range(100)]
    assert found[4] == pytest.approx(0.5)
    assert found[9] == pytest.approx(1.0)
    assert found[54] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 2)))
    assert found[99] == pytest.approx(0.1)
