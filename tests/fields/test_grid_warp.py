"""Warped copies of distance grids."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.fields.grid_warp import Warping, warped

SIDE, LIMIT = 33, 0.25
AXIS = np.linspace(-1, 1, SIDE)
NODES = np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), -1)
BALL = (np.linalg.norm(NODES - [0.1, 0, 0], axis=-1) - 0.5).clip(-LIMIT, LIMIT).astype(np.float32)
BOX = (np.abs(NODES) - [0.6, 0.3, 0.2]).max(-1).clip(-LIMIT, LIMIT).astype(np.float32)
NONE = Warping(displacement=0, scale=0, stretch=0, turn=0)


def warp(values, seed=0, warping=None):
    return warped(values, LIMIT, np.random.default_rng(seed), warping)


def slopes(values, nearer):
    """|grad f| by central differences at the nodes this near to the surface."""
    slope = np.linalg.norm(np.stack(np.gradient(values, 2 / (SIDE - 1))), axis=0)
    return slope[np.abs(values) < nearer]


@pytest.mark.parametrize("values", [BALL, BOX], ids=["ball", "box"])
def test_a_warp_without_amplitude_is_the_identity(values):
    np.testing.assert_allclose(warp(values, warping=NONE), values, atol=1e-6)


def test_values_near_the_surface_stay_distances():
    # Without the division by the slope the mean error is 0.15.
    error = [np.abs(slopes(warp(BALL, seed), 0.05) - 1).mean() for seed in range(6)]
    assert np.mean(error) < 0.06
    assert np.max(error) < 0.09
    assert all(np.abs(warp(BALL, seed)).max() <= LIMIT for seed in range(6))


def test_a_scaled_ball_is_a_ball_of_that_radius():
    values = warp(BALL, 3, Warping(displacement=0, scale=0.2, stretch=0, turn=0))
    radius = 0.5 * np.exp(0.2 * _first_scale(3))
    near = np.abs(values) < 0.1
    distance = np.linalg.norm(NODES - [0.1, 0, 0], axis=-1) - radius
    assert abs(radius - 0.5) > 0.02
    assert np.abs(values - distance)[near].max() < 0.02


def _first_scale(seed):
    random = np.random.default_rng(seed)
    random.normal(size=3)  # the turn
    return random.normal()


def test_the_seed_alone_decides():
    assert np.array_equal(warp(BOX, 1), warp(BOX, 1))
    assert np.abs(warp(BOX, 1) - warp(BOX, 2)).max() > 0.05


def test_the_displacement_is_relative_to_the_shape():
    def shift(radius):
        ball = (np.linalg.norm(NODES, axis=-1) - radius).clip(-LIMIT, LIMIT).astype(np.float32)
        near = np.abs(ball) < 0.05
        only = Warping(scale=0, stretch=0, turn=0)
        return np.sqrt(np.mean([(warp(ball, seed, only) - ball)[near] ** 2 for seed in range(8)]))

    assert 0.25 < shift(0.4) / shift(0.8) < 0.6


def test_a_grid_without_an_inside_stays_outside():
    np.testing.assert_allclose(warp(np.full_like(BALL, LIMIT)), LIMIT, rtol=1e-6)
