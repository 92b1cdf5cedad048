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
