"""Local spacing, relative gaps and confidence."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.points import confidence, local_spacing, relative_gap


def plane(count: int, low: float, high: float, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).random((count, 2))
    return np.c_[low + (high - low) * x[:, 0], x[:, 1], np.zeros(count)]


def test_local_spacing_is_that_of_the_surroundings():
    dense, sparse = plane(20_000, 0, 1), plane(200, 3, 4)
    spacing = local_spacing(np.concatenate([dense, sparse]))
    assert np.median(spacing[:20_000]) == pytest.approx(np.sqrt(8 / np.pi / 20_000), rel=0.05)
    assert np.median(spacing[20_000:]) == pytest.approx(np.sqrt(8 / np.pi / 200), rel=0.2)


def test_a_dense_border_does_not_hide_sparse_points():
    points = np.concatenate([plane(20_000, 0, 1), plane(200, 1, 2)])
    spacing = local_spacing(points)
    x = np.array([[1.04, 0.5, 0], [1.5, 0.5, 0], [0.5, 0.5, 0.1]])
    gap, who = relative_gap(x, points, spacing, 3)
    assert gap[0] < 1.5 and gap[1] < 1.5
    assert gap[2] == np.inf and np.linalg.norm(points[who[2]] - x[2]) < 0.11


def test_points_of_the_other_side_do_not_count():
    points = plane(2000, 0, 1)
    up = np.tile([0.0, 0, 1], (2, 1))
    x = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0]])
    gap, _ = relative_gap(x, points, local_spacing(points), 3, (up * [[1], [-1]], np.tile([0.0, 0, 1], (2000, 1))))
    assert gap[0] < 1 and gap[1] == np.inf


def test_confidence_falls_to_zero_at_the_reach():
    assert confidence(np.array([0, 1, 1.5, 2, np.inf]), 2.0).tolist() == [1, 1, 0.5, 0, 0]
