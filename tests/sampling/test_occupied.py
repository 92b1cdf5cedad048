"""Labelled queries, and the shift of the log odds of a balanced draw."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.sampling.balanced import labelled


def rows(inside: int, outside: int) -> np.ndarray:
    x = np.random.default_rng(0).uniform(-1, 1, (inside + outside, 3))
    return np.column_stack([x, np.arange(inside + outside) < inside]).astype(np.float32)


def test_a_balanced_draw_shifts_the_odds_to_one():
    """The samples' odds of being outside are 3; those among the queries are 1."""
    drawn = labelled(rows(100, 300), 400, np.random.default_rng(0), balanced=True)
    assert drawn["outside"].mean() == 0.5 and drawn["query"].shape == (400, 3)
    assert drawn["shift"][0] == pytest.approx(-np.log(3), rel=1e-5)


def test_a_plain_draw_is_a_window_and_has_no_shift():
    some = rows(100, 300)
    drawn = labelled(some, 50, np.random.default_rng(3))
    assert drawn["shift"][0] == 0
    start = int(np.flatnonzero((some[:, :3] == drawn["query"][0]).all(1))[0])
    assert np.array_equal(drawn["query"], some[start : start + 50, :3])
    assert np.array_equal(drawn["outside"] < 0.5, some[start : start + 50, 3] > 0.5)


def test_few_samples_repeat_and_one_side_alone_is_drawn_as_it_is():
    assert labelled(rows(3, 4), 30, np.random.default_rng(0), balanced=True)["query"].shape == (30, 3)
    drawn = labelled(rows(0, 50), 20, np.random.default_rng(0), balanced=True)
    assert drawn["outside"].all() and drawn["shift"][0] == 0
