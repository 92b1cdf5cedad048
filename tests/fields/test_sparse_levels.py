"""The levels of a sparse grid: which cells there are, values between levels, and distances."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isofield.fields.array_grid import cell_corners
from isofield.fields.grid import SparseGrid
from isofield.fields.sparse_levels import Band, interpolated, redistanced, refined, sparse_grid, whole

ORIGIN, COUNTS = np.array([-1.0, -1.0, -1.0]), np.array([8, 8, 8])
AXIS = np.array([0.3, -0.5, 0.8])


@pytest.fixture
def levels():
    """Two levels around the 200 points of a sphere of radius 0.5; the values are the distance to it, halved."""
    points = np.random.default_rng(0).normal(size=(200, 3))
    points *= 0.5 / np.linalg.norm(points, axis=1, keepdims=True)
    coarse = whole(ORIGIN, 0.25, COUNTS)
    coarse = replace(coarse, values=0.5 * (np.linalg.norm(coarse.positions, axis=1) - 0.5))
    fine = refined(coarse, points)
    fine = replace(fine, values=0.5 * (np.linalg.norm(fine.positions, axis=1) - 0.5))
    return points, coarse, fine


def test_the_coarsest_level_is_whole(levels):
    _, coarse, _ = levels
    assert len(coarse.cells) == 8**3 and len(coarse.nodes) == 9**3
    assert coarse.positions.min(0).tolist() == [-1, -1, -1] and coarse.positions.max(0).tolist() == [1, 1, 1]
    assert coarse.inner.sum() == 7**3


def test_the_next_level_covers_the_points_and_whole_cells_above(levels):
    points, coarse, fine = levels
    index, t = fine.locate(points)
    keys = np.ravel_multi_index(tuple(index.T), tuple(fine.counts))
    assert np.isin(keys, fine.cells).all()
    assert np.allclose(ORIGIN + (index + t) * fine.h, points)
    assert 0 < len(fine.cells) < 16**3 and len(fine.cells) % 8 == 0
    parents = np.stack(np.unravel_index(fine.cells, fine.counts), 1) // 2
    _, count = np.unique(np.ravel_multi_index(tuple(parents.T), tuple(coarse.counts)), return_counts=True)
    assert (count == 8).all()


def test_linear_values_pass_from_level_to_level(levels):
    _, coarse, fine = levels
    assert np.allclose(interpolated(coarse, coarse.positions @ AXIS, fine.index), fine.positions @ AXIS)


def test_distances_take_the_place_of_what_falls_short_of_them(levels):
    """Halved values have the same zero set; two cells from it they become distances."""
    _, coarse, fine = levels
    field = SparseGrid.of(sparse_grid(redistanced([coarse, fine]))).double()
    x = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    distance = np.linalg.norm(x, axis=1) - 0.5
    found = field(torch.as_tensor(x)).detach().numpy()
    far = np.abs(distance) > 0.45
    assert np.abs(found - distance)[far].max() < 0.06
    near = np.abs(distance) < 0.05
    assert np.abs(found - distance / 2)[near].max() < 0.02


def test_a_field_without_a_surface_stays_as_it_is(levels):
    _, coarse, fine = levels
    bands = [replace(band, values=1 + np.abs(band.values)) for band in (coarse, fine)]
    assert all(np.array_equal(a.values, b.values) for a, b in zip(bands, redistanced(bands), strict=True))


def test_a_level_costs_what_its_cells_do_not_what_its_box_holds():
    """Two cells of a level of 2^51, and their children."""
    counts = np.array([2**17] * 3)
    keys = np.sort(np.ravel_multi_index(([5, 70_000], [9, 80_000], [2**17 - 1, 3]), tuple(counts)))
    nodes, corners = cell_corners(keys, counts, 0)
    above = Band(np.zeros(3), 1.0, counts, keys, nodes, corners, np.zeros(len(nodes)))
    above = replace(above, values=above.positions @ AXIS)
    below = refined(above, np.array([[5.5, 9.5, 2**17 - 0.5], [70_000.5, 80_000.5, 3.5]]))
    assert len(below.cells) == 16
    assert np.allclose(interpolated(above, above.values, below.index), below.positions @ AXIS)
    along_x = np.abs(below.index[:, None] - below.index[None]) @ np.array([1, 2**20, 2**20]) == 1
    assert np.array_equal(below.ahead[0][:-1] >= 0, np.triu(along_x).any(1))
