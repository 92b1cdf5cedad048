"""Training samples, half of them inside."""

from __future__ import annotations

import numpy as np
import pytest

import balls
from isofield.sampling.balanced import balanced, fraction_inside
from isofield.types import SdfSamples


def samples_of(rows: np.ndarray) -> SdfSamples:
    return SdfSamples(rows[:, :3], rows[:, 3])


def test_half_of_the_samples_are_inside_and_rows_repeat_only_where_they_must():
    rows, random = balls.rows_of(0.5, 4000), np.random.default_rng(0)
    drawn = balanced(samples_of(rows), 500, random)
    assert drawn["points"].shape == (500, 3) and drawn["points"].dtype == drawn["distance"].dtype == np.float32
    assert (drawn["distance"][:250] < 0).all() and (drawn["distance"][250:] >= 0).all()
    assert len(np.unique(drawn["points"], axis=0)) == 500
    rare = random.permutation(np.concatenate([rows[rows[:, 3] < 0][:7], rows[rows[:, 3] >= 0]]))
    drawn = balanced(samples_of(rare), 64, random)
    assert (drawn["distance"][:32] < 0).all() and len(np.unique(drawn["points"][:32], axis=0)) <= 7
    outside = samples_of(rows[rows[:, 3] > 0])
    with pytest.raises(ValueError, match="inside"):
        balanced(SdfSamples(outside.points, outside.distance, None, 0.3), 64, random)


def test_the_fraction_inside_is_0_only_where_none_is():
    distance = np.ones(50_000, np.float32)
    assert fraction_inside(SdfSamples(np.zeros((50_000, 3), np.float32), distance)) == 0
    distance[-1] = -1
    assert fraction_inside(SdfSamples(np.zeros((50_000, 3), np.float32), distance)) == pytest.approx(1 / 50_000)
