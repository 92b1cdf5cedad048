"""Planes through neighbours, and the noise that they tell."""

import numpy as np
import pytest

from isofield.points.local_pca import (
    NEIGHBOURS,
    along_lines,
    local_noise,
    neighbourhoods,
    noise_level,
    planes,
    quadratic_terms,
    second_sheet,
    tangents,
    two_means,
)


def test_planes_are_exact_where_points_are():
    random = np.random.default_rng(0)
    flat = random.normal(size=(40, 3))
    normal = np.array([1.0, 2, -2]) / 3
    flat -= np.outer(flat @ normal, normal)
    index = np.stack([random.permutation(40)[:16] for _ in range(5)])
    normals, noise, bend = planes(flat + 7, index)
    assert np.allclose(np.abs(normals @ normal), 1)
    assert noise.max() < 1e-6
    assert bend.max() < 1e-9
    ball = planes(random.normal(size=(4000, 3)), np.arange(4000)[None])[2]
    assert ball[0] > 0.8


def test_a_wider_neighbourhood_is_taken_where_the_noise_asks_for_it():
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(0, 1, (3000, 2)), random.normal(0, 0.02, (3000, 1))], 1)
    near = neighbourhoods(points)
    narrow = planes(points, near.index[:, :NEIGHBOURS])[0]
    assert np.abs(near.normals[:, 2]).mean() > np.abs(narrow[:, 2]).mean() + 0.01
    assert np.array_equal(near.index[:, 0], np.arange(3000))


@pytest.mark.parametrize("sigma", [0.002, 0.005, 0.01])
def test_noise_level_is_the_deviation_off_the_surface(sigma, torus):
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(0, 1, (8000, 2)), random.normal(0, sigma, (8000, 1))], 1)
    assert noise_level(points) == pytest.approx(sigma, rel=0.4)
    assert noise_level(torus(8000, sigma).points) == pytest.approx(sigma, abs=0.003)


def test_tangents_make_a_right_handed_frame():
    n = np.random.default_rng(0).normal(size=(50, 3))
    n = np.concatenate([n / np.linalg.norm(n, axis=1, keepdims=True), np.eye(3), -np.eye(3)])
    frames = np.stack([*tangents(n), n], 1)
    assert np.allclose(frames @ frames.transpose(0, 2, 1), np.eye(3))
    assert np.allclose(np.linalg.det(frames), 1)


def test_terms_of_a_quadric_by_hand():
    assert quadratic_terms(np.array([[2.0]]), np.array([[3.0]]))[0, :, 0].tolist() == [1, 2, 3, 4, 6, 9]


def sheets(gap: float, sigma: float = 0.0, count: int = 4000) -> np.ndarray:
    """Points of two parallel unit squares; those of one are .022 apart."""
    random = np.random.default_rng(0)
    height = np.where(np.arange(count) < count // 2, 0, gap) + random.normal(0, sigma, count)
    return np.column_stack([random.uniform(0, 1, (count, 2)), height])


@pytest.mark.parametrize("gap", [0.003, 0.01, 0.02, 0.04])
def test_the_thickness_of_a_plate_is_not_noise(gap):
    points = sheets(gap)
    assert noise_level(points) < 1e-5
    assert np.median(local_noise(points, neighbourhoods(points))) < 1e-5


@pytest.mark.parametrize("gap", [0.015, 0.025])
def test_the_noise_of_a_plate_is_that_of_its_sheets(gap):
    assert noise_level(sheets(gap, 0.002)) == pytest.approx(0.002, rel=0.25)


@pytest.mark.parametrize("gap", [0.0, 0.001, 0.004])
def test_a_gap_below_the_noise_counts_as_noise(gap):
    assert noise_level(sheets(gap, 0.005)) == pytest.approx(np.hypot(0.005, gap / 2), rel=0.1)


def test_a_noisy_edge_has_one_sheet():
    random = np.random.default_rng(3)
    one = np.column_stack([random.uniform(0, 1, (3000, 2)), random.normal(0, 0.004, 3000)])
    points = np.concatenate([one, np.roll(one, 1, axis=1)])
    assert noise_level(points) == pytest.approx(0.004, rel=0.1)
    near = neighbourhoods(points)
    assert second_sheet(points, near.index, near.normals).any(1).mean() < 0.1


def test_a_second_sheet_is_found_point_by_point():
    points = sheets(0.01)
    near = neighbourhoods(points)
    other = second_sheet(points, near.index, near.normals)
    upper = points[:, 2] > 0.005
    assert (other == (upper[near.index[:, : other.shape[1]]] != upper[:, None])).mean() > 0.95


@pytest.mark.parametrize("count", [1500, 3000, 12_000])
def test_the_shape_of_a_sparse_surface_is_not_noise(count, torus):
    points = torus(count, 0.0).points
    assert noise_level(points) < 0.0001 * np.linalg.norm(np.ptp(points, axis=0))


def test_two_means_by_hand():
    found = two_means(np.array([[0.0, 5, 0.1, 5.2, 0.3], [9.0, 1, 8, 1, 2]]))
    assert found.tolist() == [[False, True, False, True, False], [True, False, True, False, False]]


def test_points_on_wires_thinner_than_their_spacing_lie_along_lines():
    """A wire of radius .01 with points .09 apart, beside a tube of radius .1 and a plate, with points .02 apart."""
    random = np.random.default_rng(0)
    turn, along = random.uniform(0, 2 * np.pi, 6000), random.uniform(0, 4, 6000)
    tube = np.stack([0.1 * np.cos(turn), 0.1 * np.sin(turn), along], 1)
    plate = random.uniform(1, 2, (3000, 3)) * [1, 1, 0]
    wire = np.stack([np.full(1000, 5.0), np.zeros(1000), random.uniform(0, 90, 1000)], 1)
    wire += random.normal(0, 0.01, wire.shape)
    assert along_lines(np.concatenate([tube, plate, wire])) == pytest.approx(0.1, abs=0.01)
    assert along_lines(np.concatenate([tube, plate])) == 0
