"""Patches on one side: exact on quadrics, better than planes on curved and thin shapes, and a measure of the noise."""

import numpy as np
import pytest

from isofield.points import orient
from isofield.points.jets import fit_jets


def sphere(count: int, seed: int = 0) -> np.ndarray:
    normals = np.random.default_rng(seed).normal(size=(count, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def angles(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((found * truth).sum(1), -1, 1)))


def tilted(normals: np.ndarray, by: float, seed: int = 1) -> np.ndarray:
    result = normals + np.random.default_rng(seed).normal(0, by, normals.shape)
    return result / np.linalg.norm(result, axis=1, keepdims=True)


def test_a_plane_gets_its_normal_and_no_noise():
    random = np.random.default_rng(0)
    points = np.c_[random.random((500, 2)), np.zeros(500)]
    found = fit_jets(points, tilted(np.tile([0.0, 0, 1], (500, 1)), 0.2))
    assert angles(found.normals, np.array([[0.0, 0, 1]])).max() < 0.01
    assert found.noise.max() < 1e-6


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.04])
def test_the_noise_of_a_sphere_is_measured_and_its_normals_are_better_than_given(noise):
    normals = sphere(8000)
    points = normals * (1 + np.random.default_rng(3).normal(0, noise, 8000))[:, None]
    given = tilted(normals, 0.2)
    found = fit_jets(points, given)
    assert np.median(found.noise) == pytest.approx(noise, rel=0.15)
    assert np.median(angles(found.normals, normals)) < 0.25 * np.median(angles(given, normals))


def test_the_two_sides_of_a_thin_wall_do_not_mix():
    random = np.random.default_rng(0)
    flat = random.random((6000, 2))
    up = np.where(np.arange(6000) < 3000, 1.0, -1.0)
    points = np.c_[flat, 0.005 * up]  # the wall is thinner than the points of a side are apart
    truth = np.c_[np.zeros((6000, 2)), up]
    found = fit_jets(points, tilted(truth, 0.2))
    assert np.quantile(angles(found.normals, truth), 0.99) < 3
    assert np.median(found.noise) < 1e-4


def test_a_given_noise_is_kept_and_decides_how_many_neighbours_count():
    normals = sphere(4000)
    points = normals * (1 + np.random.default_rng(3).normal(0, 0.03, 4000))[:, None]
    told, wrong = fit_jets(points, tilted(normals, 0.2), 0.03), fit_jets(points, tilted(normals, 0.2), 0.0)
    assert (told.noise == 0.03).all()
    assert np.median(angles(told.normals, normals)) < 0.5 * np.median(angles(wrong.normals, normals))


def test_patches_turn_and_grow_with_the_points():
    normals = sphere(1000)
    points = normals * (1 + np.random.default_rng(3).normal(0, 0.01, 1000))[:, None]
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    one, other = fit_jets(points, normals), fit_jets(7 * points @ turn.T, normals @ turn.T)
    assert np.abs(one.normals @ turn.T - other.normals).max() < 1e-5  # products of float32
    assert np.allclose(7 * one.noise, other.noise, rtol=1e-5)


def test_few_points_are_enough():
    found = fit_jets(sphere(12), sphere(12))
    assert np.isfinite(found.normals).all()
    assert np.isfinite(found.noise).all()


def test_normals_of_a_sparse_ellipsoid_are_far_better_than_planes():
    axes = np.array([1.0, 0.6, 0.3])
    on = sphere(1500, 4)
    truth = on / axes
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    error = angles(orient(on * axes).normals, truth)
    assert np.median(error) < 1.5
    assert np.quantile(error, 0.99) < 12
