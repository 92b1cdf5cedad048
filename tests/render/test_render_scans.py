"""Simulated scans: counts, noise, what is hidden, outliers, repeatability."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from isofield.errors import InputError
from isofield.families import cup
from isofield.render import scan


@pytest.fixture(scope="module")
def ball():
    return trimesh.creation.icosphere(4)


def test_exactly_as_many_points_as_asked_and_the_same_again(ball):
    for count in (1, 777, 5000):
        first, second = scan(ball, count, outliers=0.03, seed=5), scan(ball, count, outliers=0.03, seed=5)
        assert first.points.shape == (count, 3) and first.points.dtype == np.float64
        np.testing.assert_array_equal(first.points, second.points)
    assert not np.array_equal(first.points, scan(ball, 5000, outliers=0.03, seed=6).points)


def test_noise_is_a_fraction_of_the_diagonal(ball):
    for noise in (0.0, 0.002, 0.01):
        cloud = scan(ball, 20_000, noise=noise)
        off = np.linalg.norm(cloud.points, axis=1) - 1
        assert (
            abs(off.std() - noise * np.linalg.norm(ball.extents)) < 0.1 * noise * np.linalg.norm(ball.extents) + 1.5e-3
        )


def test_uniform_density_covers_all_evenly(ball):
    cloud = scan(ball, 20_000, noise=0.0)
    assert np.linalg.norm(cloud.points.mean(axis=0)) < 0.03
    octants = np.bincount(((cloud.points > 0) @ (1, 2, 4)), minlength=8)
    assert np.abs(octants - 2500).max() < 200  # four standard deviations


def test_cameras_make_density_uneven(ball):
    one = scan(ball, 20_000, noise=0.0, cameras=1, density="cameras").points
    even = scan(ball, 20_000, noise=0.0, cameras=1).points
    eye = even.mean(axis=0) / np.linalg.norm(even.mean(axis=0))
    # Straight on there are more points than near the rim: the weight is the cosine.
    assert (one @ eye).mean() > (even @ eye).mean() + 0.05
    assert (even @ eye).min() > 0  # the far side stays unseen


def test_what_is_hidden_is_not_scanned():
    inner, outer = trimesh.creation.icosphere(3, radius=0.5), trimesh.creation.icosphere(4)
    cloud = scan(trimesh.util.concatenate([inner, outer]), 10_000, noise=0.0)
    assert np.linalg.norm(cloud.points, axis=1).min() > 0.9


def test_a_thin_cup_is_seen_on_both_sides():
    mug = cup()
    cloud = scan(mug, 20_000, noise=0.0, normals=True)
    truth = mug.sample(20_000, seed=0)
    unseen = cKDTree(cloud.points).query(truth)[0] > 0.03 * np.linalg.norm(mug.extents)
    assert unseen.mean() < 0.02
    axis = cloud.points[:, [0, 2]]
    inward = (cloud.normals[:, [0, 2]] * axis).sum(axis=1) < 0
    assert 0.15 < inward.mean() < 0.5


def test_true_normals_face_outward(ball):
    cloud = scan(ball, 5000, noise=0.002, normals=True)
    np.testing.assert_allclose(np.linalg.norm(cloud.normals, axis=1), 1)
    assert (cloud.normals * cloud.points).sum(axis=1).min() > 0.9
    assert scan(ball, 100).normals is None


def test_outliers_fill_the_box(ball):
    cloud = scan(ball, 10_000, noise=0.0, outliers=0.2, normals=True)
    stray = np.abs(np.linalg.norm(cloud.points, axis=1) - 1) > 2e-3
    assert 0.19 < stray.mean() <= 0.2
    assert 1.05 < np.abs(cloud.points[stray]).max() <= 1.1 + 1e-9
    assert cloud.normals.shape == (10_000, 3)
    assert 0.15 < stray[:1000].mean() < 0.25  # not all at the end


def test_units_do_not_matter(ball):
    tiny = trimesh.Trimesh(ball.vertices * 1e-9 + 2e-6, ball.faces, process=False)
    np.testing.assert_allclose((scan(tiny, 500).points - 2e-6) * 1e9, scan(ball, 500).points, atol=1e-4)


def test_open_sheets_are_seen_from_both_sides():
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    points = scan(sheet, 2000, noise=0.0).points
    assert np.abs(points[:, 2]).max() == 0
    assert np.ptp(points[:, 0]) > 0.99


@pytest.mark.parametrize("bad", [{"count": 0}, {"noise": -1}, {"outliers": 1.0}, {"cameras": 0}, {"density": "odd"}])
def test_impossible_scans_are_refused(ball, bad):
    with pytest.raises(InputError, match="cannot be made"):
        scan(ball, **{"count": 100, **bad})


def test_a_mesh_without_area_is_refused():
    with pytest.raises(InputError, match="no area"):
        scan(trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False), 100)
