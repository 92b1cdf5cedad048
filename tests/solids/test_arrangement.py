"""Surfaces that cross themselves, beside unions by manifold3d, and by the winding number."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from isofield.solids.arrangement import outermost, overlapping
from isofield.solids.solid_parts import sort, volume
from isofield.solids.triangles import winding_of
from isofield.solids.union import outer
from isofield.topology import edges_of

BALL = trimesh.creation.icosphere(3)


def moved(mesh: trimesh.Trimesh, random: np.random.Generator) -> trimesh.Trimesh:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=int(random.integers(1000))).as_matrix()
    matrix[:3, 3] = random.uniform(-0.6, 0.6, 3)
    return mesh.copy().apply_transform(matrix)


@pytest.mark.parametrize("seed", range(4))
def test_bodies_at_random_are_their_union(seed):
    """Balls, and boxes whose large faces others pierce in their middle."""
    random = np.random.default_rng(seed)
    shapes = [moved(s, random) for s in (BALL, BALL, *(trimesh.creation.box((2.4, 0.3, 0.4)) for _ in range(4)))]
    both = trimesh.util.concatenate(shapes)
    vertices, faces = np.asarray(both.vertices), np.asarray(both.faces)
    assert overlapping(vertices, faces)
    found = outermost(vertices, faces)
    assert found is not None
    assert (edges_of(found[1]).count == 2).all()
    truth = outer(sort(vertices, faces), 0.0)[0]
    assert volume(*found) == pytest.approx(volume(truth.vertices, truth.solid), rel=1e-7)
    assert not overlapping(*found)


def test_a_twisted_tube_keeps_what_its_winding_number_encloses():
    """One part; inverted pieces, behind which the winding number is negative, vanish."""
    tube = BALL.copy()
    x, y, z = tube.vertices.T
    tube.vertices = np.column_stack([np.sin(3 * x), y + np.cos(4 * x), z * (1 + 0.3 * x)])
    vertices, faces = np.asarray(tube.vertices), np.asarray(tube.faces)
    found = outermost(vertices, faces)
    assert found is not None
    at = np.random.default_rng(0).uniform(tube.bounds[0], tube.bounds[1], (20_000, 3))
    given = np.round(winding_of(vertices, faces)(at))
    assert given.min() < 0 or given.max() > 1
    assert ((winding_of(*found)(at) > 0.5) != (given > 0)).sum() <= 2
    assert abs(winding_of(*found)(at) - 0.5).max() < 0.6


def test_bodies_that_do_not_cross_stay():
    apart = trimesh.util.concatenate([BALL, BALL.copy().apply_translation((3, 0, 0))])
    assert not overlapping(np.asarray(apart.vertices), np.asarray(apart.faces))
