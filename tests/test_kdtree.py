"""Neighbours, against SciPy's tree."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from isofield.kdtree import ORDERED, KDTree, nearest


@pytest.mark.parametrize("count", [100, 2 * ORDERED])
@pytest.mark.parametrize("k", [1, 7, [2], [1, 3, 5]])
def test_distances_and_indices(count, k):
    random = np.random.default_rng(0)
    points, x = random.normal(size=(5000, 3)), random.normal(size=(count, 3)) * [1, 5, 0.1]
    distance, index = nearest(KDTree(points), x, k)
    truth = cKDTree(points).query(x, k)
    assert distance.shape == truth[0].shape and index.dtype == np.int64
    np.testing.assert_allclose(distance, truth[0], rtol=1e-12)
    np.testing.assert_array_equal(index, truth[1])


def test_points_in_a_plane_and_repeated_ones():
    random = np.random.default_rng(0)
    flat = random.normal(size=(3000, 2))
    np.testing.assert_array_equal(nearest(KDTree(flat), flat, 2)[1], cKDTree(flat).query(flat, 2)[1])
    repeated = np.repeat(random.normal(size=(10, 3)), 1000, axis=0)
    assert (nearest(KDTree(repeated), repeated, 1000)[0] == 0).all()


def test_more_neighbours_than_points():
    points = np.eye(3)
    distance, index = nearest(KDTree(points), np.zeros((2, 3)), 5)
    np.testing.assert_array_equal(np.isfinite(distance), [[True] * 3 + [False] * 2] * 2)
    assert (index[:, 3:] == 3).all() and sorted(index[0, :3]) == [0, 1, 2]


def test_no_query_points():
    distance, index = nearest(KDTree(np.eye(3)), np.zeros((0, 3)), 2)
    assert distance.shape == index.shape == (0, 2)
