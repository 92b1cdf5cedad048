"""Feet of points, rays and grids of samples of a sphere whose distances are known."""

import numpy as np
import pytest
import torch

from isofield.errors import InputError

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0


def test_feet_are_the_nearest_places(ball):
    random = np.random.default_rng(0).normal(size=(1000, 3))
    unit = random / np.linalg.norm(random, axis=1, keepdims=True)
    x = CENTER + unit * np.random.default_rng(1).uniform(2, 6, (1000, 1))
    feet = ball.project(x)
    assert np.abs(ball(feet)).max() < 1e-3
    off = np.linalg.norm(feet - (CENTER + RADIUS * unit), axis=1)  # the grid's normals are off by some degrees
    assert off.mean() < 0.06
    assert off.max() < 0.3


def test_rays_meet_the_sphere_where_the_quadratic_says(ball):
    random = np.random.default_rng(3)
    origins = CENTER + random.normal(size=(2000, 3)) * 12
    toward = CENTER + random.uniform(-5, 5, (2000, 3)) - origins
    unit = toward / np.linalg.norm(toward, axis=1, keepdims=True)
    b, c = ((origins - CENTER) * unit).sum(1), np.square(origins - CENTER).sum(1) - RADIUS**2
    root = b**2 - c
    with np.errstate(invalid="ignore"):
        known = np.where(c > 0, -b - np.sqrt(root), -b + np.sqrt(root))
    known = np.where((root > 0) & (known > 0), known, np.inf)
    found = ball.cast(origins, 3 * toward)
    # rays that graze the sphere, or begin on it, may go another way on the grid's
    clear = (np.abs(root) > 0.5) & (np.abs(ball(origins)) > 0.05)
    assert np.array_equal(np.isfinite(found)[clear], np.isfinite(known)[clear])
    both = np.isfinite(found) & np.isfinite(known) & clear
    assert both.sum() > 500
    assert np.abs(found - known)[both].max() < 0.1


def test_rays_along_an_axis_and_beside_the_box(ball):
    origins = CENTER + np.array([[-20, 0, 0], [-20, 9, 0], [0, 0, 0], [20, 0, 0]])
    found = ball.cast(origins, np.tile([1.0, 0, 0], (4, 1)))
    assert found[0] == pytest.approx(16, abs=0.03)
    assert found[1] == np.inf
    assert found[2] == pytest.approx(4, abs=0.03)
    assert found[3] == np.inf


def test_rays_of_torch_give_lengths_of_torch(ball):
    origins = torch.tensor(CENTER + np.array([[-20, 0, 0]]), dtype=torch.float32, requires_grad=True)
    found = ball.cast(origins, torch.tensor([[1, 0, 0]]))
    assert found.dtype == torch.float32 and not found.requires_grad
    assert found.item() == pytest.approx(16, abs=0.03)


def test_a_ray_without_direction_is_refused(ball):
    with pytest.raises(InputError, match="no length"):
        ball.cast(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(InputError, match="do not match"):
        ball.cast(np.zeros((2, 3)), np.zeros((1, 3)))


def test_a_grid_holds_the_distances_at_its_places(ball):
    samples = ball.grid(20)
    assert samples.values.shape == (21, 21, 21)
    index = np.array([[0, 0, 0], [3, 7, 20], [10, 11, 12]])
    x = samples.origin + samples.spacing * index
    assert np.allclose(samples.values[tuple(index.T)], ball(x), atol=1e-5)


def test_a_grid_beyond_the_memory_is_refused(ball):
    with pytest.raises(InputError, match="GiB"):
        ball.grid(2000)
