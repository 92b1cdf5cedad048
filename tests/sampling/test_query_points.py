"""Query points and the rough distance."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from isofield.points import Oriented, orient
from isofield.sampling.query_points import LEAST_NEIGHBOUR, around, everywhere, rough_distance


def sphere(count: int) -> np.ndarray:
    """Points (count, 3) of the sphere of radius 0.7."""
    x = np.random.default_rng(0).standard_normal((count, 3))
    return 0.7 * x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [300, 3000, 60_000])
def test_deviations_follow_the_neighbours_and_not_the_number_of_points(count):
    """20 000 points or more: a length of the shape. Few points: not so small that queries know but their own point."""
    points = sphere(count)
    drawn = around(points)(np.random.default_rng(0), 4000)
    deviation = np.abs(drawn - points[np.random.default_rng(0).integers(count, size=4000)]).mean() / np.sqrt(2 / np.pi)
    expected = np.sqrt(51 * 4 * 0.7**2 / 20_000)
    floor = np.median(cKDTree(points).query(points, k=LEAST_NEIGHBOUR)[0][:, -1])
    assert deviation == pytest.approx(max(expected, floor), rel=0.1)


def test_scales_take_turns():
    points = sphere(5000)
    random = np.random.default_rng
    one, both = around(points)(random(1), 1000), around(points, scales=(1.0, 0.5))(random(1), 1000)
    assert np.array_equal(one[::2], both[::2])
    assert not np.allclose(one[1::2], both[1::2])


def test_everywhere_covers_box_and_space():
    points = sphere(1000) * [1, 0.1, 0.1]
    x = everywhere(points, 1.1, np.random.default_rng(0), 1001)
    assert x.shape == (1001, 3)
    assert np.abs(x).max() <= 1.1
    inside = (np.abs(x) <= np.abs(points).max(0) + 0.11).all(1)
    assert 0.5 <= inside.mean() < 0.6


def test_rough_distance_of_a_sphere():
    x = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    true = np.linalg.norm(x, axis=1) - 0.7
    found = rough_distance(orient(sphere(3000)), x)
    assert np.abs(found - true).max() < 0.05
    clear = np.abs(true) > 0.05
    assert (np.sign(found) == np.sign(true))[clear].all()


def test_rough_distance_of_an_open_sheet_has_two_sides():
    """The winding number is small on both."""
    random = np.random.default_rng(2)
    points, x = random.uniform(-1, 1, (2, 3000, 3)) * [[[1, 1, 0]], [[0.9, 0.9, 0.5]]]
    up = np.tile([0.0, 0.0, 1.0], (3000, 1))
    found = rough_distance(Oriented(points, up, np.full(3000, 1e-3), np.zeros(3000), 0.02), x, open_=True)
    assert (np.sign(found) == np.sign(x[:, 2])).all()
    assert np.abs(np.abs(found) - np.abs(x[:, 2])).mean() < 0.02
