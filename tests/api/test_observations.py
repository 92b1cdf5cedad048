"""Observed shapes: their names, and what is said of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield import render
from isofield.api import observe, observed_in
from isofield.configs import PrepareConfig
from isofield.errors import InputError


def test_points_are_no_triangles_where_distances_are_to_triangles(tmp_path):
    np.savetxt(tmp_path / "cloud.xyz", trimesh.creation.icosphere(3).vertices)
    with pytest.warns(UserWarning, match="cloud.xyz has no faces: distances are to its points, not to triangles"):
        observe(tmp_path / "cloud.xyz", PrepareConfig(), kinds=("unsigned", "surface"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        observed = observe(tmp_path / "cloud.xyz", PrepareConfig(), kinds=("cloud",))
    assert len(observed.rows["cloud"])


def test_a_bad_picture_of_several_is_left_out(tmp_path):
    for name in ("one.png", "two.png"):
        picture = np.full((80, 80, 3), 255, np.uint8)
        picture[20:60, 30:50] = 90
        render.save(picture, tmp_path / "mixed" / name)
    (tmp_path / "mixed" / "bad.png").write_text("")
    with pytest.warns(UserWarning, match=r"bad.png cannot be read .*\(mixed is inferred from its other pictures\)"):
        observed = observe(tmp_path / "mixed", PrepareConfig(("views",)), kinds=("views",))
    assert len(observed.rows["views"]) == 2
    with pytest.raises(InputError, match="cannot be read as a picture"):
        observe(tmp_path / "mixed" / "bad.png", PrepareConfig(("views",)), kinds=("views",))


@pytest.mark.parametrize("kind", ["cloud", "signed", "surface"])
def test_a_photo_is_no_shape_in_space(tmp_path, kind):
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo\.png is a picture, and this space reads none: give a mesh or a cloud"):
        observe(tmp_path / "photo.png", PrepareConfig(), kinds=(kind,))


def test_names_of_pictures(tmp_path):
    paths = [tmp_path / "in" / name for name in ("a/white.png", "b/white.png", "a/white.jpg", "c/set.1/white.png")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def names(*inputs):
        return [name for name, _ in observed_in(inputs, PrepareConfig(), kinds=("views",))]

    assert names(paths[0]) == names(paths[2]) == ["white"]
    assert names(*paths[:2]) == ["a/white", "b/white"]
    assert names(tmp_path / "in") == ["a", "b", "c/set.1"]  # each folder shows a shape
    with pytest.raises(InputError, match="would both be called a: rename one"):  # the same folder twice
        names(tmp_path / "in" / "a", tmp_path / "in")
    for one, other in ((paths[0], paths[2]), (paths[0], paths[0])):
        with pytest.raises(InputError, match=r"white.* and .*white.* would both be called white: rename one"):
            observed_in([one, other], PrepareConfig(), kinds=("views",))
