"""Nearest points of triangles and their inside, against a box whose distances are known."""

import numpy as np
import pytest
import trimesh

from isofield.solids.triangles import distance_to, indexed, inside_of, nearest_on

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
        assert np.array_equal(inside_of(*indexed(triangles), outward=False)(X), (np.abs(X) < HALF).all(1))


def test_bodies_that_overlap_are_their_union():
    other = BOX.triangles + np.array([0.5, 0.2, 0.1])
    found = inside_of(*indexed(np.concatenate([BOX.triangles, other])))(X)
    known = (np.abs(X) < HALF).all(1) | (np.abs(X - [0.5, 0.2, 0.1]) < HALF).all(1)
    assert (found == known).mean() > 0.999


def test_inward_triangles_enclose_nothing_unless_either_way_counts():
    assert not inside_of(*indexed(BOX.triangles[:, ::-1]))(X).any()


@pytest.mark.parametrize("unit", [1e-160, 1.0, 1e160])
def test_distances_in_any_unit(unit):
    """Their squares would underflow or overflow."""
    found = distance_to(BOX.vertices * unit, BOX.faces)(X * unit) / unit
    assert np.abs(found - np.linalg.norm(nearest_on(BOX.triangles)(X) - X, axis=1)).max() < 1e-12
