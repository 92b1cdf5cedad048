"""The energy of the smoothed signed distance on fields that are known, and against rows that are written out."""

from itertools import product

import numpy as np
import pytest
from scipy.sparse import vstack

from isofield.fields.sparse_levels import Band, refined, whole
from isofield.losses.ssd import Energy, conjugate_gradients, interpolation

BAND = whole(np.array([-1.0, -1.0, -1.0]), 0.25, np.array([8, 8, 8]))
NORMAL = np.array([0.36, 0.48, 0.8])


def matrix_of(energy: Energy) -> np.ndarray:
    return vstack(energy.matrix()).toarray()


def plane_points(random: np.random.Generator) -> np.ndarray:
    points = random.uniform(-0.8, 0.8, (50, 3))
    points += np.outer(0.1 - points @ NORMAL, NORMAL)
    return points[np.abs(points).max(1) < 1]


def test_a_plane_meets_its_points_and_normals():
    """f = n . x - 0.1, in units of cells, is zero at points of the plane and has n as its gradient."""
    random = np.random.default_rng(0)
    points = plane_points(random)
    u = (BAND.positions @ NORMAL - 0.1) / BAND.h
    deviation = random.uniform(0.01, 0.1, len(points))
    energy = Energy(BAND)
    energy.add_points(points, np.tile(NORMAL, (len(points), 1)), deviation, 0.5)
    matrix, squares = matrix_of(energy), len(points) / 0.5**2  # b is a normal over 0.5 for every point

    def loss(u: np.ndarray) -> float:
        return float(u @ matrix @ u - 2 * energy.right @ u + squares)

    assert abs(loss(u)) < 1e-6
    # a plane that is moved by 0.02 misses each point by so many of its deviations
    assert loss(u + 0.02 / BAND.h) == pytest.approx(np.square(0.02 / deviation).sum(), rel=1e-6)


def test_rows_of_nodes_that_are_not_free_change_nothing():
    random = np.random.default_rng(1)
    free, start = random.random(len(BAND.nodes)) < 0.7, random.normal(size=len(BAND.nodes))
    energy = Energy(BAND)
    energy.add_hessian(np.ones(len(BAND.nodes)))
    energy.add_values(np.ones(len(BAND.nodes)), random.normal(size=len(BAND.nodes)))
    less, all_rows = (
        conjugate_gradients(matrix, energy.right, start, free, 20) for matrix in (energy.matrix(free), energy.matrix())
    )
    assert np.array_equal(less, all_rows)
    assert sum(block.nnz for block in energy.matrix(free)) < 0.8 * sum(block.nnz for block in energy.matrix())


@pytest.mark.parametrize(
    ("values", "axes", "mixed"),
    [
        (lambda x, y, z: 3 * x - y + 2 * z, 0.0, 0.0),
        (lambda x, y, z: x * x, 4.0, 0.0),  # f_xx = 2
        (lambda x, y, z: x * y, 0.0, 2.0),  # f_xy = f_yx = 1
        (lambda x, y, z: y * y + 3 * x * z, 4.0, 18.0),  # f_yy = 2, f_xz = f_zx = 3
    ],
)
def test_the_sum_of_squares_is_the_squared_norm_of_the_hessian(values, axes, mixed):
    u = values(*BAND.index.T.astype(float))
    energy = Energy(BAND)
    energy.add_hessian(np.full(len(BAND.nodes), 2.0))
    matrix = matrix_of(energy)
    # nodes with both neighbours along an axis, and nodes with neighbours ahead along two axes
    assert u @ matrix @ u == pytest.approx(4 * (axes * 7 * 9 * 9 + mixed * 8 * 8 * 9), abs=1e-6)


def test_nodes_are_drawn_to_their_values_by_the_squares_of_their_weights():
    weight = np.zeros(len(BAND.nodes))
    weight[[3, 7]] = 1, 2
    energy = Energy(BAND)
    energy.add_values(weight, np.full(len(weight), 5.0))
    assert matrix_of(energy)[[3, 7], [3, 7]].tolist() == [1, 4] and matrix_of(energy).sum() == 5
    assert energy.right[[3, 7]].tolist() == [5, 20] and energy.right.sum() == 25


def written_out(band: Band, weight: np.ndarray, mixed: bool) -> np.ndarray:
    """Rows (m, n) of the second differences."""
    row_of = {tuple(index): row for row, index in enumerate(band.index.tolist())}
    unit = np.eye(3, dtype=int)
    stencils = [((-unit[a], 1), (0 * unit[a], -2), (unit[a], 1)) for a in range(3)]
    if mixed:
        root = np.sqrt(2)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            stencils.append(((0 * unit[a], root), (unit[a], -root), (unit[b], -root), (unit[a] + unit[b], root)))
    rows = []
    for (row, index), stencil in product(enumerate(band.index), stencils):
        nodes = [row_of.get(tuple((index + step).tolist())) for step, _ in stencil]
        if None not in nodes:
            rows.append(np.zeros(len(band.nodes)))
            rows[-1][nodes] = weight[row] * np.array([c for _, c in stencil])
    return np.array(rows)


@pytest.mark.parametrize("mixed", [True, False])
def test_the_matrix_of_a_band_with_holes_is_that_of_its_rows(mixed):
    random = np.random.default_rng(1)
    above = whole(np.zeros(3), 1.0, np.array([4, 3, 5]))
    far = np.full(len(above.nodes), 9.0, np.float32)
    band = refined(Band(**{**vars(above), "values": far}), np.array([[0.2, 0.3, 0.1], [3.7, 2.6, 4.4]]))
    assert 100 < len(band.nodes) < np.prod(band.counts + 1)
    points = np.concatenate([random.uniform(0, 0.9, (40, 3)), random.uniform([3.1, 2.1, 4.1], [4, 3, 5], (40, 3))])
    value, precision, weight = random.normal(size=80), random.uniform(1, 2, 80), random.uniform(1, 2, len(band.nodes))
    energy = Energy(band)
    energy.add_samples(points, value, precision)
    energy.add_hessian(weight, mixed)
    of_points = interpolation(band, points).toarray() * precision[:, None]
    rows = np.concatenate([of_points, written_out(band, weight, mixed)])
    assert np.allclose(matrix_of(energy), rows.T @ rows, atol=1e-5)
    assert np.allclose(energy.right, of_points.T @ (value * precision), atol=1e-5)
