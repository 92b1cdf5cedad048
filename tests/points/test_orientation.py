"""The sides of normals."""

import numpy as np

from isofield.points.local_pca import neighbourhoods
from isofield.points.orientation import agreement, flip_patches, propagate_signs


def test_neighbours_outvote_a_few_wrong_sides(torus):
    cloud = torus(1500)
    near = neighbourhoods(cloud.points)
    random = np.random.default_rng(4)
    votes = np.where(random.random(1500) < 0.1, -0.3, 0.8)
    pull = agreement(cloud.points, cloud.normals, near.index, near.distance)
    sides = propagate_signs(near.index[:, 1:13], pull, votes)
    assert set(np.unique(sides)) <= {-1.0, 1.0}
    assert (sides > 0).mean() > 0.999


def grid_neighbours(side: int, first: int) -> np.ndarray:
    """(side^2, 12): neighbours of each place of a square grid that closes to a torus, numbered from `first`."""
    row, column = np.divmod(np.arange(side**2), side)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j] + [(0, 2), (0, -2), (2, 0), (-2, 0)]
    return first + np.stack([(row + i) % side * side + (column + j) % side for i, j in steps], 1)


def test_patches_turn_and_whole_bodies_do_not():
    """Two bodies that a few edges connect, of opposite opinion; a patch of the smaller one is wrong."""
    large, small = 40, 20
    near = np.concatenate([grid_neighbours(large, 0), grid_neighbours(small, large**2)])
    weight = np.full(near.shape, 1 / 12)
    bridge = np.arange(3)
    near[large**2 + bridge, 0], weight[large**2 + bridge, 0] = bridge, -1 / 12
    near[bridge, 0], weight[bridge, 0] = large**2 + bridge, -1 / 12
    right = np.ones(len(near))
    row, column = np.divmod(np.arange(small**2), small)
    patch = np.zeros(len(near), bool)
    patch[large**2 :] = (np.abs(row - 10) < 3) & (np.abs(column - 10) < 3)
    assert np.array_equal(flip_patches(np.where(patch, -right, right), near, weight), right)
    assert np.array_equal(flip_patches(right, near, weight), right)
