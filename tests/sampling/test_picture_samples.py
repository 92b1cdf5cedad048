"""Samples of one picture, against shapes whose distance is known."""

import numpy as np
import pytest

from isofield.errors import InputError
from isofield.sampling import picture_samples as ps

RADIUS, CENTER = 0.55, np.array([0.1, -0.15])


def disc(size: int) -> np.ndarray:
    """A disc whose border falls linearly from 1 to 0 over two pixels, so that 0.5 is at its radius."""
    away = np.linalg.norm(ps.grid(size, size) - CENTER, axis=2) - RADIUS
    return np.clip(0.5 - away * size / 4, 0, 1)


@pytest.mark.parametrize("size", [32, 64])
def test_distances_of_a_disc_are_exact_below_a_pixel(size):
    values = disc(size)
    segments = ps.contour_of(values)
    distance = ps.signed_distance(values, segments)
    true = np.linalg.norm(ps.grid(size, size) - CENTER, axis=2) - RADIUS
    assert np.abs(distance - true).max() < 0.05 * 2 / size  # of a pixel; a distance transform is off by half of one
    rows = ps.plane(distance, np.random.default_rng(0))
    assert rows.shape == (size * size, 3)
    assert len(np.unique(rows[:, :2], axis=0)) == size * size and np.abs(rows[:, :2]).max() == 1 - 1 / size
    np.testing.assert_allclose(rows[:, 2], np.linalg.norm(rows[:, :2] - CENTER, axis=1) - RADIUS, atol=0.1 / size)
    assert np.ptp(np.diff(rows[:, 0])) > 1  # not in the order of the picture
    np.testing.assert_array_equal(ps.filled(rows, size)[..., 0], distance)


def test_points_of_a_contour_are_uniform_along_it():
    segments = ps.contour_of(disc(48))
    points = ps.contour(segments, 1000, np.random.default_rng(1))
    assert points.shape == (1000, 2)
    away = points - CENTER
    assert np.abs(np.linalg.norm(away, axis=1) - RADIUS).max() < 0.05 * 2 / 48
    around = np.histogram(np.arctan2(away[:, 1], away[:, 0]), 10, (-np.pi, np.pi))[0]
    assert around.min() >= 95 and around.max() <= 105
    first = np.histogram(np.arctan2(away[:200, 1], away[:200, 0]), 4, (-np.pi, np.pi))[0]
    assert first.min() > 30  # any slice is a sample of the whole


def test_x_is_to_the_right_and_y_downwards():
    values = np.zeros((8, 16))
    values[1:3, 12:15] = 1
    inside = ps.squared(values)
    distance = ps.signed_distance(inside, ps.contour_of(inside))
    x, y = ps.grid(16, 16)[distance < 0].mean(axis=0)
    assert (x, y) == pytest.approx((2 * 13.5 / 16 - 1, 2 * (4 + 2) / 16 - 1))


def test_a_single_bright_pixel_and_a_shape_at_the_border():
    dot = np.zeros((9, 9))
    dot[4, 4] = 1
    distance = ps.signed_distance(dot, ps.contour_of(dot))
    assert (distance < 0).sum() == 1 and distance[4, 4] == pytest.approx(-np.sqrt(0.5) / 9, rel=1e-6)  # a diamond
    half = np.ones((8, 8))
    half[:, :3] = 0
    np.testing.assert_allclose(
        ps.signed_distance(half, ps.contour_of(half))[2], (2.5 - np.arange(8)) * 2 / 8, atol=1e-12
    )


@pytest.mark.parametrize("values", [np.zeros((8, 8)), np.ones((8, 8)), np.full((8, 8), 0.5), np.zeros((1, 1))])
def test_a_picture_on_one_side_is_refused(values):
    with pytest.raises(InputError, match=r"on one side of 0\.5"):
        ps.contour_of(values)


def test_resizing_keeps_positions_and_does_not_alias():
    values = disc(64)
    for size in (32, 128):
        there = ps.signed_distance(scaled := ps.resized(values, size), ps.contour_of(scaled))
        true = np.linalg.norm(ps.grid(size, size) - CENTER, axis=2) - RADIUS
        assert np.abs(there - true).max() < 0.3 * 2 / 32
    stripes = np.tile([0.0, 1.0], (64, 32))
    assert np.abs(ps.resized(stripes, 16)[:, 1:-1] - 0.5).max() < 0.02
    assert ps.resized(np.zeros((4, 4, 3)), 8, cubic=True).shape == (8, 8, 3)


def test_colours_go_from_minus_one_to_one():
    picture = np.zeros((4, 4, 3))
    picture[0, 3] = 1
    rows = ps.image(picture, np.random.default_rng(0))
    assert rows.shape == (16, 5) and set(np.unique(rows[:, 2:])) == {-1, 1}
    np.testing.assert_allclose(rows[rows[:, 2] > 0], [[0.75, -0.75, 1, 1, 1]])


def test_crops_lie_within_their_picture():
    random = np.random.default_rng(0)
    crops = np.array([ps.crop(100, 300, 16, random) for _ in range(400)])
    assert (crops[:, 0] + crops[:, 2]).max() <= 100 and (crops[:, 1] + crops[:, 2]).max() <= 300 and crops.min() >= 0
    assert crops[:, 2].min() < 20 and crops[:, 2].max() > 90
    assert ps.crop(10, 12, 64, random)[2] == 10
