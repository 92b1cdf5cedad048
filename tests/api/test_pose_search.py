"""Shapes that do not stand as those of the space do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import toys
from isofield.api import PoseSearch, infer, observe
from isofield.errors import InputError
from isofield.methods.pose_estimation import starts


def turned(mesh, rotation: Rotation, factor: float = 1.0):
    """The mesh, turned and grown and put elsewhere."""
    other = mesh.copy()
    other.vertices = factor * rotation.apply(np.asarray(mesh.vertices)) + [4.0, 0, 0]
    return other


@pytest.mark.parametrize(("number", "limit"), [(toys.COUNT + 1, 30.0), (toys.COUNT + 2, 180.0)])
def test_a_turned_shape_is_found_in_place(toy_space, number, limit):
    random = np.random.default_rng(number)
    rotation = Rotation.random(random_state=number)
    if limit < 180:
        axis = random.normal(size=3)
        rotation = Rotation.from_rotvec(np.radians(25) * axis / np.linalg.norm(axis))
    mesh = turned(toys.toy(number), rotation, 3.0)
    found = infer(toy_space, mesh, posing=PoseSearch(scale=True, turned=limit))
    assert np.degrees((Rotation.from_matrix(found.pose.rotation) * rotation).magnitude()) < 5
    # From the shape's own units to the frame of the space, whatever its box was when it was turned.
    assert found.pose.scale * found.observed.similarity.scale * 3.0 == pytest.approx(1.0, rel=0.03)
    result = found.sdf.mesh(64)
    assert np.abs(result.bounds - mesh.bounds).max() < 0.05 * 3.0
    assert found.loss < infer(toy_space, mesh).loss


def test_a_shape_that_stands_well_stays(toy_space):
    found = infer(toy_space, toys.toy(toys.COUNT + 1), posing=PoseSearch(turned=0.0))
    assert found.pose.angle < 3
    assert np.linalg.norm(found.pose.shift) < 0.02
    assert found.pose.scale == 1.0


def test_the_net_of_starts_leaves_no_rotation_far_from_all():
    net = Rotation.from_matrix(np.stack(starts(180.0)))
    some = Rotation.random(200, random_state=1)
    apart = [np.degrees((net.inv() * one).magnitude()).min() for one in some]
    assert max(apart) < 32
    assert (np.degrees(Rotation.from_matrix(np.stack(starts(60.0))).magnitude()) <= 60).all()


def test_an_angle_that_is_none(toy_space):
    with pytest.raises(InputError, match="a turn of 200 degrees is none"):
        infer(toy_space, toys.toy(0), posing=PoseSearch(turned=200))
    assert observe(toys.toy(0), toy_space.prepare).evidence.free is None
