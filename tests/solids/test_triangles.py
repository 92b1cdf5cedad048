"""Nearest points of triangles and their inside, against a box whose distances are known."""

import numpy as np
import trimesh

from isofield.solids.triangles import inside_of, nearest_on

BOX = trimesh.creation.box(extents=[2, 1, 0.5])
HALF = np.array([1, 0.5, 0.25])
X = np.random.default_rng(0).uniform(-1.5, 1.5, (3000, 3))


def test_nearest_points_are_exact():
    found = nearest_on(BOX.triangles)(X)
    outside = (np.abs(X) > HALF).any(1)
    assert np.abs(found - np.clip(X, -HALF, HALF))[outside].max() < 1e-12
    depth = np.linalg.norm(found - X, axis=1)[~outside]
    assert np.abs(depth - (HALF - np.abs(X[~outside])).min(1)).max() < 1e-12


def test_inside_whichever_way_the_triangles_are_wound():
    for triangles in (BOX.triangles, BOX.triangles[:, ::-1]):
        assert np.array_equal(inside_of(triangles)(X), (np.abs(X) < HALF).all(1))


def test_bodies_that_overlap_are_their_union():
    other = BOX.triangles + np.array([0.5, 0.2, 0.1])
    found = inside_of(np.concatenate([BOX.triangles, other]))(X)
    known = (np.abs(X) < HALF).all(1) | (np.abs(X - [0.5, 0.2, 0.1]) < HALF).all(1)
    assert (found == known).mean() > 0.999
