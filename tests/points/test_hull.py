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
