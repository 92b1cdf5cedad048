"""Points back onto their surface."""

import numpy as np

from isofield.points.denoising import denoised


def test_noise_on_a_sphere_falls_without_shrinking_it():
    random = np.random.default_rng(0)
    normals = random.standard_normal((40_000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    noise = random.normal(0, 0.004, 40_000)
    moved = denoised((0.5 + noise)[:, None] * normals, normals, 0.004)
    off = np.linalg.norm(moved, axis=1) - 0.5
    assert off.std() < 0.45 * noise.std()
    assert abs(off.mean()) < 0.0005


def test_points_without_noise_stay():
    normals = np.random.default_rng(1).standard_normal((3000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.abs(denoised(0.5 * normals, normals, 0.001) - 0.5 * normals).max() < 1e-9


def test_a_sharp_edge_stays_sharp():
    """Two faces of a box at a right angle, every point with its own face's normal."""
    random = np.random.default_rng(2)
    first = np.column_stack([random.uniform(0, 1, (2000, 2)), np.zeros(2000)])
    second = np.column_stack([np.zeros(2000), random.uniform(0, 1, 2000), random.uniform(-1, 0, 2000)])
    points = np.concatenate([first, second])
    normals = np.repeat([[0.0, 0, 1], [-1.0, 0, 0]], 2000, axis=0)
    assert np.abs(denoised(points, normals, 0.01) - points).max() < 1e-6


def test_points_that_are_higher_than_the_noise_keep_their_height():
    """Ground from above with trees, as high as fifty times the noise: one normal for all."""
    random = np.random.default_rng(3)
    ground = np.column_stack([random.uniform(0, 1, (20_000, 2)), random.normal(0, 0.001, 20_000)])
    tree = random.random(20_000) < 0.1
    ground[tree, 2] += 0.05
    moved = denoised(ground, np.tile([0.0, 0, 1], (20_000, 1)), 0.001)
    assert np.abs(moved[tree, 2] - 0.05).max() < 0.005
    assert np.abs(moved[~tree, 2]).max() < 0.005
    assert moved[~tree, 2].std() < 0.6e-3
