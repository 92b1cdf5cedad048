"""Outward normals from nothing but points."""

import numpy as np
import pytest

from isofield import families
from isofield.points.winding_orientation import clustered_normals, consistent_normals, winding_votes
from isofield.render import scan


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_vectors_point_outward_and_are_as_long_as_areas(torus):
    cloud = torus(2000)
    vectors = consistent_normals(cloud.points / 1.7, (0.03, 0.004))
    cosine = np.einsum("nd,nd->n", unit(vectors), cloud.normals)
    assert (cosine > 0).all()
    assert np.median(cosine) > 0.95
    area = 4 * np.pi**2 * 0.6 * 0.25 / 1.7**2
    assert 4 * np.pi * np.linalg.norm(vectors, axis=1).sum() == pytest.approx(area, rel=0.4)


def test_clusters_keep_what_is_right_and_mend_what_is_not(torus):
    cloud = torus(6000)
    points, area = cloud.points / 1.7, 4 * np.pi**2 * 0.6 * 0.25 / 1.7**2
    right = cloud.normals * area / len(points) / (4 * np.pi)
    kept = clustered_normals(points, right, (0.02, 0.01))
    assert (np.einsum("nd,nd->n", kept, cloud.normals) > 0).all()
    wrong = np.random.default_rng(0).random(len(points)) < 0.2
    patch = np.linalg.norm(points - points[0], axis=1) < 0.05  # and a whole patch is turned
    start = np.where((wrong | patch)[:, None], -right, right)
    mended = clustered_normals(points, start, (0.02, 0.01))
    assert (np.einsum("nd,nd->n", mended, cloud.normals) > 0).mean() > 0.998


def test_any_number_of_points_and_doubles_are_taken(torus):
    for count in (1, 2, 9, 17, 100):
        points = torus(3000).points[:count]
        assert clustered_normals(points, np.ones((count, 3)), (0.008, 0.004)).shape == (count, 3)
    same = np.zeros((40, 3))
    assert np.isfinite(clustered_normals(same, np.ones((40, 3)), (0.008, 0.004))).all()


@pytest.mark.slow
def test_many_thin_sheets_get_their_sides():
    """A gyroid's wall is a few spacings thick everywhere, so that a subset of 6000 of the points does not see it."""
    cloud = scan(families.FAMILIES["gyroid"](), 30_000, 0.002, seed=0, normals=True)
    low, high = cloud.points.min(0), cloud.points.max(0)
    points = (cloud.points - (low + high) / 2) / (high - low).max()
    near = np.random.default_rng(0).integers(0, len(points), (len(points), 2))  # no hint where normals scatter
    areas = np.full(len(points), 3.2 * 3 / len(points))
    votes = winding_votes(points, cloud.normals, near, areas, 0.0035)
    assert (votes > 0).mean() > 0.97
