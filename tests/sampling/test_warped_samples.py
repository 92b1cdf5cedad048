"""Unsigned samples of warped copies."""

import numpy as np
from scipy.spatial import cKDTree

from isofield.sampling.warped_samples import Warp, random_warp, warped


def _ball(count, seed=0):
    """Unsigned samples of a ball of radius 0.6 about (0.1, 0, 0)."""
    random = np.random.default_rng(seed)
    around = random.normal(size=(2, count, 3))
    around /= np.linalg.norm(around, axis=2, keepdims=True)
    x = 0.6 * around[0] + random.choice([0.01, 0.2], (count, 1)) * random.normal(size=(count, 3))
    r = np.linalg.norm(x, axis=1, keepdims=True)
    rows = np.concatenate([x, np.abs(r - 0.6), np.sign(r - 0.6) * x / r], 1)
    rows[:, :3] += [0.1, 0, 0]
    return {"unsigned": rows, "surface": np.concatenate([0.6 * around[1] + [0.1, 0, 0], around[1]], 1)}


def test_the_jacobian_is_that_of_the_map():
    warp = random_warp(_ball(100)["surface"][:, :3], 0.1, np.random.default_rng(1))
    x, h = np.random.default_rng(2).uniform(-0.5, 0.5, (50, 3)), 1e-6
    steps = h * np.eye(3)
    differences = np.stack([(warp(x + step) - warp(x - step)) / (2 * h) for step in steps], -1)
    assert np.abs(warp.jacobian(x) - differences).max() < 1e-6


def test_a_map_that_moves_nothing_leaves_the_samples():
    rows = _ball(2000)
    found = warped(rows, Warp(np.zeros(3), 1.0, np.eye(3), np.zeros((5, 5, 5, 3))))
    near = rows["unsigned"][:, 3] < 0.05
    assert np.abs(found["unsigned"] - rows["unsigned"])[near].max() < 1e-5
    assert np.abs(found["unsigned"][:, 3] - rows["unsigned"][:, 3]).max() < 0.01  # to the nearest of 4 000 points
    assert np.abs(found["surface"] - rows["surface"]).max() < 1e-6


def test_samples_of_a_copy_are_those_of_its_surface():
    """Against the images of a million points of the ball."""
    rows = _ball(6000)
    warp = random_warp(rows["surface"][:, :3], 0.07, np.random.default_rng(3))
    found = warped(rows, warp)
    dense = np.random.default_rng(4).normal(size=(1_000_000, 3))
    dense = warp(0.6 * dense / np.linalg.norm(dense, axis=1, keepdims=True) + [0.1, 0, 0])
    moved = np.linalg.norm(dense - [0.1, 0, 0], axis=1)
    assert moved.std() > 0.03  # no ball any more
    x, distance, direction = found["unsigned"][:, :3], found["unsigned"][:, 3], found["unsigned"][:, 4:]
    truth, index = cKDTree(dense).query(x)
    assert np.abs(distance - truth).max() < 0.01
    assert np.abs(distance - truth).mean() < 0.001
    off = truth > 0.02
    unit = (x - dense[index])[off] / truth[off, None]
    assert np.quantile((unit * direction[off]).sum(1), 0.05) > 0.98
    assert cKDTree(dense).query(found["surface"][:, :3])[0].max() < 0.005
