"""What is left out of an input, and what is said about it."""

import warnings

import numpy as np
import pytest

import isofield
from isofield.api.inputs import DENSE, KEPT, cleaned, of_points
from isofield.types import Cloud


def test_a_box_that_shrinks_without_outliers_is_told(torus):
    points = np.concatenate([torus(3000, 0.002).points, [[9.0, 0, 0], [0, 0, -4.0]]])
    with pytest.warns(UserWarning, match=r"\d of 3002 points are left out .* box by \d+% along x and \d+% along z; if"):
        clean, outliers = cleaned(Cloud(points), "hall.ply", "balanced")
    assert len(outliers) < 10 and np.abs(clean.points).max() < 1


def test_the_far_part_of_a_scan_stays_without_a_word():
    """A floor whose points are ten times as far apart at its far end."""
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, (100_000, 3)) * [30, 15, 0]
    x = x[random.random(len(x)) < 10 ** (-x[:, 0] / 15)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean, outliers = cleaned(Cloud(x), "x.ply", "balanced")
    assert len(outliers) < 0.005 * len(x)
    assert np.ptp(clean.points[:, 0]) > 29.5


def test_a_dense_part_of_a_large_scene_keeps_its_detail():
    """A statue of 1 m in a field of 60 m: cells of one number a side would leave it a few hundred points."""
    random = np.random.default_rng(0)
    field = random.uniform(0, 60, (40_000, 3)) * [1, 1, 0]
    statue = random.normal(size=(DENSE, 3))
    statue = [30, 30, 0.5] + 0.5 * statue / np.linalg.norm(statue, axis=1, keepdims=True)
    clean, _ = cleaned(Cloud(np.concatenate([field, statue])), "x.ply", "balanced")
    most = KEPT["balanced"] * ((len(field) + DENSE) / DENSE) ** (1 / 3)
    assert 0.4 * most < len(clean.points) <= most
    assert np.count_nonzero(np.abs(clean.points - [30, 30, 0.5]).max(1) < 0.51) > 50_000


def test_trusted_normals_that_point_inward_are_warned_of(torus):
    cloud = torus(3000)
    for turned, inward in ((1, False), (-1, True)):
        given = Cloud(cloud.points + 5, turned * cloud.normals)
        with warnings.catch_warnings() if not inward else pytest.warns(UserWarning, match="point inward in the mean"):
            warnings.simplefilter("always" if inward else "error")
            of_points(given, "x.ply", "fast", mesh=None, views=(), noise=None, surface="auto", trusted=True)


def test_repeats_of_each_place_are_no_outliers():
    random = np.random.default_rng(0)
    ray = random.normal(size=(1500, 3))
    ray = np.repeat(ray / np.linalg.norm(ray, axis=1, keepdims=True), 20, 0)
    points = ray * (1 + random.normal(0, 0.01, (len(ray), 1))) + random.normal(0, 1e-6, ray.shape)
    with pytest.warns(UserWarning, match="measures each place many times"):
        sdf = isofield.fit(points, quality="fast")
    assert sdf.mesh().volume == pytest.approx(4 / 3 * np.pi, rel=0.01)
