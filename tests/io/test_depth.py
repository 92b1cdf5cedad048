"""Depth images of a ball, whose every pixel can be worked out."""

import json
import re
import warnings

import numpy as np
import pytest
from PIL import Image

from isofield import api, io
from isofield.errors import InputError
from isofield.types import Similarity, View

CENTER, RADIUS, AWAY, SIZE = np.array([0.1, -0.2, 0.3]), 0.5, 2.0, (120, 160)
K = np.array([[150.0, 0, 79.5], [0, 150.0, 59.5], [0, 0, 1]])


def pose(azimuth: float, elevation: float) -> np.ndarray:
    """A camera at AWAY from the ball that looks at its centre."""
    a, e = np.radians([azimuth, elevation])
    back = np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])
    right = np.array([np.cos(a), 0, -np.sin(a)])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, -np.cross(back, right), -back], 1)  # x right, y down, z forward
    matrix[:3, 3] = CENTER + AWAY * back
    return matrix


def view(matrix: np.ndarray) -> View:
    """The depth image of the ball from there: |z r - c| = RADIUS along every ray r with r_z = 1."""
    row, column = np.mgrid[: SIZE[0], : SIZE[1]]
    ray = np.stack([column, row, np.ones_like(row)], -1) @ np.linalg.inv(K).T
    center = np.array([0, 0, AWAY])
    b, c, a = ray @ center, center @ center - RADIUS**2, np.square(ray).sum(-1)
    root = b**2 - a * c
    return View(np.where(root > 0, (b - np.sqrt(root.clip(0))) / a, 0.0), K, matrix)


POSES = {f"d{i}": pose(azimuth, elevation) for i, (azimuth, elevation) in enumerate(
    [(0, 10), (90, -10), (180, 10), (270, -10), (0, 80), (90, -80)]
)}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """Those images as .npy in metres, or 16-bit .png in millimetres, and their cameras."""
    for index, (name, matrix) in enumerate(POSES.items()):
        depth = view(matrix).depth
        if index % 2:
            Image.fromarray(np.round(depth * 1000).astype(np.uint16)).save(tmp_path / f"{name}.png")
        else:
            np.save(tmp_path / f"{name}.npy", depth.astype(np.float32))
    cameras = {"K": K.tolist(), "poses": {name: matrix.tolist() for name, matrix in POSES.items()}}
    (tmp_path / "camera.json").write_text(json.dumps(cameras))
    return [tmp_path / f"{name}.{'png' if i % 2 else 'npy'}" for i, name in enumerate(POSES)], tmp_path / "camera.json"


def test_points_lie_on_the_ball_and_look_outward(files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        views = io.read_views(*files)
    cloud = io.cloud_of(views)
    away = cloud.points - CENTER
    assert np.abs(np.linalg.norm(away, axis=1) - RADIUS).max() < 0.002  # millimetres, at a slant
    assert ((away / RADIUS * cloud.normals).sum(1) > 0.9).all()
    assert len(cloud.points) > 6 * 4000
    assert {tuple(sensor) for sensor in cloud.sensors} == {tuple(matrix[:3, 3]) for matrix in POSES.values()}
    assert (((cloud.sensors - cloud.points) * cloud.normals).sum(1) > 0).all()


def test_what_is_before_the_ball_is_free_and_what_is_behind_or_beside_it_is_not_known():
    free = io.free_of([view(POSES["d0"])], Similarity((0.0, 0.0, 0.0), 2.0))
    back = POSES["d0"][:3, 2] * -1
    along = np.array([1.5, RADIUS + 0.1, RADIUS + 0.01, RADIUS - 0.1, 0, -RADIUS - 0.1])
    places = CENTER + along[:, None] * back
    assert free(2 * places, 0.05).tolist() == [True, True, False, False, False, False]
    beside = CENTER + POSES["d0"][:3, 0] * 0.8
    assert not free(2 * beside[None], 0.05).any()  # the camera measured nothing there


def test_a_fit_of_depth_images_is_the_ball(files):
    half = np.diag([0.5, 0.5, 1])  # every second pixel
    views = [View(view.depth[::2, ::2], half @ view.intrinsics, view.pose) for view in io.read_views(*files)]
    sdf = api.fit(views, quality="fast")
    mesh = sdf.mesh()
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.01)


def test_free_space_keeps_two_plates_apart():
    """Two walls with a slit that a camera looks into: the points alone would let the slit be filled."""
    column = np.mgrid[: SIZE[0], : SIZE[1]][1]
    depth = np.where(np.abs(column - 79.5) < 12, 2.2, 2.0)
    free = io.free_of([View(depth, K, np.eye(4))], Similarity((0.0, 0.0, 2.0), 1.0))
    assert free(np.array([[0, 0, 0.1]]), 0.02).all()
    assert not free(np.array([[0.3, 0, 0.1]]), 0.02).any()


@pytest.mark.parametrize(
    ("cameras", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds no cameras"),
        ('{"K": [[1,0,0],[0,1,0],[0,0,1]]}', r"no pose \(4 x 4\) for the depth image 'd0'"),
        ('{"pose": 3}', r"no K \(3 x 3\) for the depth image 'd0'"),
        (json.dumps({"d0": {"K": (-K).tolist(), "pose": np.eye(4).tolist()}}), "not a camera matrix"),
        (json.dumps({"K": K.tolist(), "pose": (2 * np.eye(4)).tolist()}), "not a rigid motion"),
    ],
)
def test_broken_cameras(files, tmp_path, cameras, words):
    (tmp_path / "broken.json").write_text(cameras)
    with pytest.raises(InputError, match=words) as caught:
        io.read_views(files[0][:1], tmp_path / "broken.json")
    assert "broken.json" in str(caught.value)


def test_broken_images(files, tmp_path):
    good = tmp_path / "camera.json"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "d0.png")
    np.save(tmp_path / "d1.npy", np.zeros((5, 5)))
    np.save(tmp_path / "d2.npy", np.zeros((5, 5, 3)))
    (tmp_path / "d3.png").write_bytes(b"nothing")
    np.save(tmp_path / "d4.npy", np.array([{"a": 1}]), allow_pickle=True)
    for name, words in {
        "d0.png": "mode RGB, not of depths", "d1.npy": "no depth greater than 0", "d2.npy": "shape",
        "d3.png": "cannot be read", "d4.npy": "Python objects", "d9.png": "no depth image",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=words) as caught:
            io.read_depth(tmp_path / name)
        assert name in str(caught.value)
    assert good.is_file()


def test_a_camera_that_looks_away_is_told(files, tmp_path):
    wrong = dict(POSES)
    wrong["d2"] = POSES["d2"] @ np.diag([1.0, -1, -1, 1])  # OpenGL's axes
    (tmp_path / "wrong.json").write_text(
        json.dumps({"K": K.tolist(), "poses": {name: matrix.tolist() for name, matrix in wrong.items()}})
    )
    with pytest.warns(UserWarning, match=r"d2\.npy: its camera sees no points of the others"):
        io.read_views(files[0], tmp_path / "wrong.json")


@pytest.mark.parametrize(
    ("turned", "words"),
    [(np.linalg.inv, "from world to camera"), (lambda p: p @ np.diag([1.0, -1, -1, 1]), "OpenGL's axes")],
)
def test_poses_of_another_convention_are_told(files, turned, words):
    paths, camera = files
    cameras = {"K": K.tolist(), "poses": {name: turned(matrix).tolist() for name, matrix in POSES.items()}}
    camera.write_text(json.dumps(cameras))
    with pytest.raises(InputError, match=f"the cameras of .*d0.npy and the others .*{words}.* they would"):
        io.read_views(paths, camera)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1, 2]", 'holds no cameras: give {"K": 3x3, "poses"'),
        ('{"K": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "poses": {"d0": [[NaN, 0, 0, 0]]}}', "the pose of 'd0' is no"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_a_broken_file_of_cameras_is_told(files, content, words):
    paths, camera = files
    camera.write_text(content)
    with pytest.raises(InputError, match=re.escape(words)):
        io.read_views(paths[:1], camera)


def test_a_missing_file_of_cameras_is_told(files):
    with pytest.raises(InputError, match=r"there is no file .*nope\.json of cameras"):
        io.read_views(files[0], files[1].with_name("nope.json"))


def test_a_depth_image_among_clouds_is_told(files):
    with pytest.raises(InputError, match=r"d0\.npy has an array of shape .*; a depth image goes with its camera"):
        io.read(files[0][0])
