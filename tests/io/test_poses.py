"""Files of poses."""

import json

import numpy as np
import pytest

from isofield.errors import InputError
from isofield.io import is_rigid, read_poses

TURN = [[0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, -2], [0, 0, 0, 1]]


def test_poses_by_name(tmp_path):
    (tmp_path / "poses.json").write_text(json.dumps({"a": TURN, "b": np.eye(4).tolist()}))
    poses = read_poses(tmp_path / "poses.json")
    assert list(poses) == ["a", "b"]
    assert np.array_equal(poses["a"], TURN)


def test_what_is_rigid():
    assert is_rigid(np.array(TURN, float))
    for wrong in (np.diag([1.0, 1, -1, 1]), np.diag([2.0, 2, 2, 1]), np.diag([1.0, 1, 1, 2]), np.full((4, 4), np.nan)):
        assert not is_rigid(wrong)
    sheared = np.eye(4)
    sheared[0, 1] = 0.1
    assert not is_rigid(sheared)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no poses"),
        ("{}", "holds no poses"),
        ('{"a": [[1, 0], [0, 1]]}', "pose of 'a' is not a rigid motion"),
        ('{"a": "x"}', "pose of 'a' is not a rigid motion"),
        ('{"a": [[2,0,0,0],[0,2,0,0],[0,0,2,0],[0,0,0,1]]}', "without scale"),
    ],
)
def test_broken_files_of_poses(tmp_path, text, words):
    (tmp_path / "poses.json").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_poses(tmp_path / "poses.json")
    assert "poses.json" in str(caught.value)
    with pytest.raises(InputError, match="there is no file"):
        read_poses(tmp_path / "none.json")
