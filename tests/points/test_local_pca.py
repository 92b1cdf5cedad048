"""Planes through neighbours, and the noise that they tell."""

import numpy as np
import pytest

from isofield.points.local_pca import NEIGHBOURS, neighbourhoods, noise_level, planes, quadratic_terms, tangents


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
