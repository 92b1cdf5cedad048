"""Registered scans of one shape as one cloud."""

import warnings

import numpy as np
import pytest

from isofield import io
from isofield.errors import InputError
from isofield.points import merge_scans
from isofield.types import Cloud

TURN = np.array([[0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, -2], [0, 0, 0, 1]], float)


def merged(paths, poses=None):
    return merge_scans({str(path): io.read(path) for path in paths}, poses)


@pytest.fixture
def halves(tmp_path):
    """Two halves of a sphere that overlap, the second in axes of its own; the pose takes it back."""
    unit = np.random.default_rng(0).normal(size=(4000, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    one, two = unit[unit[:, 0] < 0.2], unit[unit[:, 0] > -0.2]
    away = (two - TURN[:3, 3]) @ TURN[:3, :3]
    io.write_cloud(Cloud(one, one), tmp_path / "one.ply")
    io.write_cloud(Cloud(away, two @ TURN[:3, :3]), tmp_path / "two.ply")
    return [tmp_path / "one.ply", tmp_path / "two.ply"], np.concatenate([one, two])


def test_poses_bring_scans_together(halves):
    paths, points = halves
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cloud = merged(paths, {"one": np.eye(4), "two": TURN})
    assert np.abs(cloud.points - points).max() < 1e-6
    assert np.abs(cloud.normals - points).max() < 1e-6


def test_a_scan_apart_from_the_others_is_told(halves):
    with pytest.warns(UserWarning, match=r"two\.ply lies apart from the other scans"):
        merged(halves[0])


def test_a_scan_without_pose_is_refused(halves):
    with pytest.raises(InputError, match=r"two\.ply has no pose: add one called 'two'"):
        merged(halves[0], {"one": np.eye(4)})


def test_normals_that_not_all_scans_have_are_left_out(halves, tmp_path):
    paths, points = halves
    io.write_cloud(Cloud(points[:2000]), tmp_path / "bare.ply")
    assert merged([paths[0], tmp_path / "bare.ply"]).normals is None


def test_scans_that_run_through_each_other_are_told(tmp_path):
    """Two ellipsoids of one centre, the second turned by a right angle about z: they cross, and nowhere lie along."""
    unit = np.random.default_rng(0).normal(size=(8000, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    io.write_cloud(Cloud(unit * [1, 0.3, 0.6]), tmp_path / "one.ply")
    io.write_cloud(Cloud(unit * [0.3, 1, 0.6]), tmp_path / "two.ply")
    with pytest.warns(UserWarning, match=r"one\.ply crosses the other scans instead of following them"):
        merged([tmp_path / "one.ply", tmp_path / "two.ply"])


def test_a_file_of_cameras_is_no_file_of_poses(tmp_path):
    (tmp_path / "camera.json").write_text('{"K": [], "poses": {}}')
    with pytest.raises(InputError, match="is a file of cameras"):
        io.read_poses(tmp_path / "camera.json")


def test_a_tile_of_a_few_points_is_merged(halves, tmp_path):
    paths, points = halves
    few = Cloud(np.concatenate([points[:5], [[np.nan] * 3]]), np.concatenate([points[:5], [[0, 0, 1.0]]]))
    cloud = merge_scans({str(paths[0]): io.read(paths[0]), "tile.ply": few})
    assert len(cloud.points) == len(io.read(paths[0]).points) + 5 and len(cloud.normals) == len(cloud.points)


def test_tiles_that_seem_to_be_seen_from_above_follow_the_others(halves):
    one, two = (io.read(path) for path in halves[0])
    two = Cloud(two.points @ TURN[:3, :3].T + TURN[:3, 3])
    above, beside = (Cloud(one.points, sensors=np.tile(at, (len(one.points), 1))) for at in ([0, 0, 4e3], [0, 0, 5.0]))
    assert merge_scans({"a.las": above, "b.las": two}).sensors is None
    assert np.isfinite(merge_scans({"a.las": beside, "b.las": two}).sensors).any()
    assert np.isfinite(merge_scans({"a.las": above}).sensors).all()
