"""What is left out of an input, and what is said about it."""

import warnings

import numpy as np
import pytest

from isofield.api.inputs import cleaned
from isofield.types import Cloud


def test_a_box_that_shrinks_without_outliers_is_told(torus):
    points = np.concatenate([torus(3000, 0.002).points, [[9.0, 0, 0], [0, 0, -4.0]]])
    with pytest.warns(UserWarning, match=r"\d of 3002 points are left out .* box by \d+% along x and \d+% along z; if"):
        clean, outliers = cleaned(Cloud(points), "hall.ply", "balanced")
    assert len(outliers) < 10 and np.abs(clean.points).max() < 1


def test_the_far_part_of_a_scan_stays_without_a_word():
    """A floor whose points are ten times as far apart at its far end."""
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, (100_000, 3)) * [30, 15, 0]
    x = x[random.random(len(x)) < 10 ** (-x[:, 0] / 15)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean, outliers = cleaned(Cloud(x), "x.ply", "balanced")
    assert len(outliers) < 0.005 * len(x)
    assert np.ptp(clean.points[:, 0]) > 29.5
