"""A shape that turns once around its up axis."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield import render
from isofield.errors import InputError
from isofield.render.turntable import orbit


def test_every_camera_of_a_turn_shows_the_whole_shape_at_the_same_distance():
    points = np.random.default_rng(0).uniform([3, 0, 0], [4, 2, 0.5], (500, 3))
    cameras = orbit(points, 30.0, "z", (300, 200), 8)
    pixels = np.concatenate([camera.project(points)[0] for camera in cameras])
    assert (pixels > 0).all() and (pixels < (300, 200)).all()
    center = (points.min(0) + points.max(0)) / 2
    away = np.array([camera.eye - center for camera in cameras])
    assert np.ptp(np.linalg.norm(away, axis=1)) < 1e-9 and np.ptp(away[:, 2]) < 1e-9
    assert np.allclose(away.sum(0)[:2], 0, atol=1e-9)


def test_two_shapes_turn_side_by_side_in_an_mp4(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    box, ball = trimesh.creation.box((1, 2, 0.3)), trimesh.creation.icosphere(2, 0.5)
    render.turntable(box, tmp_path / "turn.mp4", size=(81, 80), count=4, beside=ball)
    frames = ffmpeg.read_frames(str(tmp_path / "turn.mp4"))
    about = next(frames)
    assert about["size"] == (164, 80) and about["codec"] == "h264"  # 81 + 2 + 81, even
    pictures = [np.frombuffer(one, np.uint8).reshape(80, 164, 3) for one in frames]
    assert len(pictures) == 8  # 80 ms at 25 pictures a second
    differs = np.abs(pictures[0].astype(int) - pictures[0][0, 0]).max(2) > 40  # from the background
    assert 0.05 < differs[:, :81].mean() < 0.9 and 0.05 < differs[:, 83:].mean() < 0.9


def test_an_mp4_without_its_package_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("isofield.render.animation.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs the package imageio-ffmpeg"):
        render.turntable(trimesh.creation.box(), tmp_path / "turn.mp4", size=(20, 20), count=1)


def test_a_turn_is_an_animation(tmp_path):
    render.turntable(trimesh.creation.box((1, 2, 0.3)), tmp_path / "turn.gif", size=(80, 80), count=4)
    with Image.open(tmp_path / "turn.gif") as animation:
        assert animation.n_frames == 4 and animation.size == (80, 80)
        frames = []
        for k in range(4):
            animation.seek(k)
            frames.append(np.asarray(animation.convert("L"), float))
    assert (
        np.abs(frames[1] - frames[0]).mean() > 5
        and np.abs(frames[2] - frames[0]).mean() < np.abs(frames[1] - frames[0]).mean()
    )
    with pytest.raises(InputError, match="no finite point"):
        render.turntable(np.full((3, 3), np.nan), tmp_path / "none.gif")
