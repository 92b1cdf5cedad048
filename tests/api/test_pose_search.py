"""Shapes whose orientation is not that of the space."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

import toys
from isofield.api import PoseSearch, infer
from isofield.errors import InputError
from isofield.methods.pose_estimation import scan_poser, starts
from isofield.types import SdfSamples, normalization


def turned(mesh, rotation: Rotation, factor: float = 1.0):
    """The mesh, turned and grown and put elsewhere."""
    other = mesh.copy()
    other.vertices = factor * rotation.apply(np.asarray(mesh.vertices)) + [4.0, 0, 0]
    return other


@pytest.mark.parametrize(
    ("number", "limit"), [(toys.COUNT + 1, 30.0), pytest.param(toys.COUNT + 2, 180.0, marks=pytest.mark.slow)]
)
def test_a_turned_shape_is_found_in_place(toy_space, number, limit):
    random = np.random.default_rng(number)
    rotation = Rotation.random(random_state=number)
    if limit < 180:
        axis = random.normal(size=3)
        rotation = Rotation.from_rotvec(np.radians(25) * axis / np.linalg.norm(axis))
    mesh = turned(toys.toy(number), rotation, 3.0)
    found = infer(toy_space, mesh, pose=PoseSearch(scale=True, max_rotation=limit))
    assert np.degrees((Rotation.from_matrix(found.pose.rotation) * rotation).magnitude()) < 5
    # From the shape's own units to the frame of the space, whatever its box was when it was turned.
    assert found.pose.scale * found.observed.similarity.scale * 3.0 == pytest.approx(1.0, rel=0.03)
    result = found.sdf.mesh(64)
    assert np.abs(result.bounds - mesh.bounds).max() < 0.05 * 3.0
    assert found.loss < infer(toy_space, mesh).loss


def test_distances_without_signs_tell_the_pose(toy_space):
    """Of a shape in its own box; without a search of the scale it keeps the given one."""
    rotation, random = Rotation.from_rotvec([0.3, -0.2, 0.3]), np.random.default_rng(0)
    mesh = turned(toys.toy(toys.COUNT + 1), rotation, 3.0)
    mesh.vertices = normalization(mesh.vertices).apply(mesh.vertices)
    points = trimesh.sample.sample_surface(mesh, 4096, seed=0)[0]
    points = (points + random.choice([0.3, 0.02], (4096, 1)) * random.normal(size=points.shape)).astype(np.float32)
    samples = SdfSamples(points, np.abs(toys.distance(mesh, points)).astype(np.float32))
    codes = torch.from_numpy(toy_space.codes)
    for scaled in (True, False):
        found = scan_poser(toy_space.module, codes, 40.0, scaled)(samples, 1.0)
        assert np.degrees((Rotation.from_matrix(found.rotation) * rotation).magnitude()) < 6
        assert found.scale == pytest.approx(1.0, rel=0.08 if scaled else 1e-9)


def test_a_shape_that_stands_well_stays(toy_space):
    found = infer(toy_space, toys.toy(toys.COUNT + 1), pose=PoseSearch(max_rotation=0.0))
    assert found.pose.angle < 3
    assert np.linalg.norm(found.pose.shift) < 0.02
    assert found.pose.scale == 1.0


def test_the_net_of_starts_leaves_no_rotation_far_from_all():
    net = Rotation.from_matrix(np.stack(starts(180.0)))
    some = Rotation.random(200, random_state=1)
    apart = [np.degrees((net.inv() * one).magnitude()).min() for one in some]
    assert max(apart) < 32
    assert (np.degrees(Rotation.from_matrix(np.stack(starts(60.0))).magnitude()) <= 60).all()


def test_an_angle_out_of_range():
    with pytest.raises(InputError, match="the maximal rotation must be 0 to 180 degrees, not 200"):
        PoseSearch(max_rotation=200)
