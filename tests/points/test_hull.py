"""How far positions lie beyond the convex hull of points."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.points import beyond_hull


def test_distances_from_the_facets_of_a_box() -> None:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-2, 2) for z in (-3, 3)], np.float64)
    beyond = beyond_hull(np.concatenate([corners, np.random.default_rng(0).uniform(-1, 1, (50, 3))]))
    at = np.array([[0, 0, 5.0], [0, 0, -2.5], [4, 1, 0], [0, 0, 0]])
    assert beyond(at) == pytest.approx([2, -0.5, 3, -1], abs=1e-6)


def test_points_in_a_plane_have_a_hull() -> None:
    flat = np.column_stack([np.random.default_rng(0).uniform(-1, 1, (100, 2)), np.zeros(100)])
    assert beyond_hull(flat)(np.array([[0, 0, 0.5]]))[0] == pytest.approx(0.5, abs=0.01)


def test_of_many_points_none_lies_beyond() -> None:
    """A spike of ten points on a ball of thirty thousand is not among those that give the facets, but counts."""
    ball = np.random.default_rng(0).normal(size=(30_000, 3))
    spike = np.column_stack([np.linspace(1, 3, 10), np.zeros((10, 2))])
    points = np.concatenate([ball / np.linalg.norm(ball, axis=1, keepdims=True), spike])
    beyond = beyond_hull(points)
    assert beyond(points).max() == pytest.approx(0, abs=1e-12)
    away = beyond(np.array([[0, 0, 1.5], [0, -2.0, 0]]))
    assert (away > [0.3, 0.6]).all() and (away < [0.5, 1.0]).all()
