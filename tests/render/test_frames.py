"""A surface at the steps of its training."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield import render
from isofield.errors import InputError


def test_steps_are_spaced_by_their_logarithm():
    frames = render.Frames()
    for step in range(1, 1001):
        if frames.due(step):
            frames.add(step, [None])
    steps = [step for step, _ in frames.kept]
    assert steps[:6] == [1, 2, 3, 4, 5, 6] and 20 < len(steps) < 30
    assert max(b / a for a, b in pairwise(steps[5:])) < 1.35


def test_frames_are_pictures_a_strip_and_an_animation(tmp_path):
    frames = render.Frames()
    frames.add(1, [None, None])
    frames.add(2, [trimesh.creation.icosphere(2), None])
    frames.add(2, [trimesh.creation.icosphere(2), trimesh.creation.box()])
    names = frames.write(tmp_path / "out")
    assert [name.rsplit("/", 1)[1] for name in names] == ["000001.png", "000002.png", "strip.png", "forming.gif"]
    empty, last = (np.asarray(Image.open(name)) for name in names[:2])
    assert empty.shape == last.shape and (empty == 255).all()
    left, right = last[:, :320], last[:, -320:]
    assert (left[160, 160] < 240).all() and (right[160, 160] < 240).all()
    with Image.open(names[3]) as animation:
        assert animation.n_frames == 2
    assert Image.open(names[2]).width == 2 * empty.shape[1] + 2


def test_nothing_that_formed_is_a_sentence(tmp_path):
    frames = render.Frames()
    frames.add(1, [None])
    with pytest.raises(InputError, match="no step had a surface"):
        frames.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()
