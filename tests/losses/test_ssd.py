"""The rows of the smoothed signed distance on fields that are known."""

import numpy as np
import pytest

from isofield.fields.sparse_levels import whole
from isofield.losses.ssd import hessian_rows, value_and_normal_rows, value_rows

BAND = whole(np.array([-1.0, -1.0, -1.0]), 0.25, np.array([8, 8, 8]))
NORMAL = np.array([0.36, 0.48, 0.8])


def test_a_plane_meets_its_points_and_normals():
    """f = n . x - 0.1, in units of cells, is zero at points of the plane and has n as its gradient."""
    random = np.random.default_rng(0)
    points = random.uniform(-0.8, 0.8, (50, 3))
    points += np.outer(0.1 - points @ NORMAL, NORMAL)
    points = points[np.abs(points).max(1) < 1]
    u = (BAND.positions @ NORMAL - 0.1) / BAND.h
    deviation = random.uniform(0.01, 0.1, len(points))
    rows = list(value_and_normal_rows(BAND, points, np.tile(NORMAL, (len(points), 1)), deviation, 0.5))
    assert len(rows) == 4
    for matrix, right in rows:
        assert np.abs(matrix @ u - right).max() < 1e-4
    # a plane that is moved by 0.02 misses each point by so many of its deviations
    matrix, right = rows[0]
    assert np.allclose(matrix @ (u + 0.02 / BAND.h) - right, 0.02 / deviation, rtol=1e-3)


@pytest.mark.parametrize(
    ("values", "squares"),
    [
        (lambda x, y, z: 3 * x - y + 2 * z, 0.0),
        (lambda x, y, z: x * x, 4.0),  # f_xx = 2
        (lambda x, y, z: x * y, 2.0),  # f_xy = f_yx = 1
        (lambda x, y, z: y * y + 3 * x * z, 22.0),  # f_yy = 2, f_xz = f_zx = 3
    ],
)
def test_the_sum_of_squares_is_the_squared_norm_of_the_hessian(values, squares):
    index = BAND.index.astype(float)
    weight = np.full(len(BAND.nodes), 2.0)
    means = [np.mean(np.square(matrix @ values(*index.T) - right)) for matrix, right in hessian_rows(BAND, weight)]
    assert sum(means) == pytest.approx(4 * squares, rel=1e-4, abs=1e-4)


def test_only_nodes_with_a_weight_are_drawn_to_their_value():
    weight = np.zeros(len(BAND.nodes))
    weight[[3, 7]] = 1, 2
    matrix, right = value_rows(weight, np.full(len(weight), 5.0))
    assert matrix.shape == (2, len(weight)) and right.tolist() == [5, 10]
    assert np.abs(matrix @ np.full(len(weight), 5.0) - right).max() == 0
