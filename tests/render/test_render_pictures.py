"""Pictures: where there is colour, what is sharp, what is round, and that odd units change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield.errors import InputError
from isofield.families import cup
from isofield.render import depth, figures, frame, picture, pictures, save, shading, side_by_side, views
from isofield.render.pictures import BOTTOM
from isofield.render.shading import corner_normals, decode, encode
from isofield.types import Cloud

SIZE = (160, 120)


@pytest.fixture(scope="module")
def mug():
    return cup(segments=64)


def drawn(image):
    """Pixels that differ from the light background."""
    return image.min(axis=2) < min(BOTTOM) - 12


def test_captions_keep_to_the_letters_of_the_font():
    assert figures.plain("Stühle/Straße 7 (größer)") == "Stuhle/Strasse 7 (grosser)"
    assert figures.plain("椅子 1") == "?? 1"


def test_a_mesh_covers_what_its_depth_image_covers(mug):
    camera = frame(mug.vertices, size=SIZE)
    image = picture(mug, view=camera)
    assert image.shape == (120, 160, 3) and image.dtype == np.uint8
    seen = np.isfinite(depth(mug, camera).depth)
    assert (drawn(image) == seen).mean() > 0.97
    assert image[0].min() >= 250  # white above


def test_units_and_place_change_nothing(mug):
    usual = picture(mug, size=SIZE).astype(int)
    for scale, offset in ((1e-6, 0.0), (1e15, 0.0), (1.0, 1e6)):
        moved = trimesh.Trimesh(mug.vertices * scale + offset, mug.faces, process=False)
        assert np.abs(picture(moved, size=SIZE).astype(int) - usual).mean() < 0.5


def test_colours_of_vertices_and_of_the_whole(mug):
    red = picture(mug, size=SIZE, colors=(220, 30, 30)).astype(int)
    inside = drawn(red)
    assert (red[inside][:, 0] > red[inside][:, 1] + 10).mean() > 0.95
    left_right = np.where(mug.vertices[:, :1] < 0, [[220, 30, 30]], [[30, 30, 220]])
    both = picture(mug, size=SIZE, colors=left_right, view=(0, 10)).astype(int)
    excess = both[..., 0] - both[..., 2]
    assert excess[60, 55] > 20 and excess[60, 95] < -20
    own = trimesh.Trimesh(mug.vertices, mug.faces, process=False, vertex_colors=left_right.astype(np.uint8))
    assert np.array_equal(picture(own, size=SIZE, view=(0, 10)), both)
    cloud = Cloud(np.asarray(mug.vertices), colors=np.insert(left_right, 3, 255, axis=1).astype(np.uint8))
    assert np.array_equal(picture(cloud, size=SIZE), picture(cloud.points, size=SIZE, colors=left_right))


def test_unmerged_faces_look_like_merged_ones(mug):
    soup = trimesh.Trimesh(mug.triangles.reshape(-1, 3), np.arange(3 * len(mug.faces)).reshape(-1, 3), process=False)
    difference = picture(soup, size=SIZE).astype(int) - picture(mug, size=SIZE)
    assert np.abs(difference).mean() < 0.5


def test_edges_are_sharp_and_round_parts_are_round():
    box = trimesh.creation.box()
    normals = corner_normals(np.array(box.vertices), np.array(box.faces))
    np.testing.assert_allclose(normals, np.repeat(box.face_normals[:, None], 3, axis=1), atol=1e-9)
    ball = trimesh.creation.icosphere(3)
    round_ones = corner_normals(np.array(ball.vertices), np.array(ball.faces))
    assert np.abs(round_ones - ball.vertices[ball.faces]).max() < 0.03


def test_views_of_a_mesh_share_its_normals(mug, monkeypatch):
    """They are a third of a view's time, and the same for all."""
    cameras, made = views(mug.vertices, 3, size=(48, 48)), []
    alone = [picture(mug, view=camera) for camera in cameras]

    def counted(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        made.append(len(faces))
        return corner_normals(vertices, faces)

    monkeypatch.setattr(shading, "corner_normals", counted)
    assert all(np.array_equal(*pair) for pair in zip(pictures(mug, cameras), alone, strict=True))
    assert made == [len(mug.faces)] and not np.array_equal(alone[0], alone[1])


def test_hollows_are_darker():
    """The foot of a wall on a floor, against the same floor without the wall, far from the lights' reach."""
    floor = trimesh.creation.box((4, 0.2, 4))
    wall = trimesh.creation.box((4, 2, 0.2))
    wall.apply_translation((0, 1, -0.5))
    camera = frame(trimesh.util.concatenate([floor, wall]).vertices, size=(200, 200), view=(0, 40))
    plain = picture(floor, view=camera).astype(int)
    hidden = picture(trimesh.util.concatenate([floor, wall]), view=camera).astype(int)
    pixel, _ = camera.project(np.array([[0, 0.1, -0.33], [0, 0.1, 1.5]]))
    near, far = pixel.astype(int)
    assert hidden[near[1], near[0], 0] < plain[near[1], near[0], 0] - 8
    assert abs(hidden[far[1], far[0], 0] - plain[far[1], far[0], 0]) <= 2


def test_clouds_show_where_their_points_are():
    points = np.random.default_rng(0).normal(size=(3000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    usual = picture(points, size=SIZE)
    assert 0.1 < drawn(usual).mean() < 0.6
    np.testing.assert_array_equal(picture(Cloud(points), size=SIZE), usual)
    strays = np.concatenate([points, [[1e5, 0, 0], [np.inf, 0, 0], [0, 0, -1e4]]])
    assert (drawn(picture(strays, size=SIZE)) == drawn(usual)).mean() > 0.98


def test_a_single_point_and_a_flat_cloud_can_be_drawn():
    assert drawn(picture(np.zeros((1, 3)), size=(40, 40))).any()
    flat = np.random.default_rng(0).uniform(size=(500, 3)) * (1, 1, 0)
    assert drawn(picture(flat, size=(40, 40), view=(0, 0))).mean() > 0.12


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(InputError, match="finite"):
        picture(np.full((3, 3), np.nan))
    with pytest.raises(InputError, match="up axis"):
        picture(np.zeros((3, 3)), up="w")
    with pytest.raises(InputError, match="colours"):
        picture(np.zeros((3, 3)), colors=np.zeros((2, 3)))


def test_srgb_round_trip():
    values = np.arange(256)[:, None] * np.ones(3)
    np.testing.assert_array_equal(encode(decode(values)), values)


def test_side_by_side_is_a_png_with_both(tmp_path, mug):
    random = np.random.default_rng(0)
    points = mug.vertices[random.choice(len(mug.vertices), 2000)] + random.normal(size=(2000, 3)) * 0.004
    path = tmp_path / "größe.png"
    sheet = side_by_side(points, mug, path, captions=("a scan", "the result"), size=SIZE)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), sheet)
    assert sheet.shape[1] == 320 and sheet.shape[0] > 120
    left, right = drawn(sheet[:120, :160]), drawn(sheet[:120, 160:])
    assert right.mean() > 0.15
    overlap = (left & right).sum() / left.sum()
    assert overlap > 0.9  # one camera
    assert (sheet[120:, :160].min(axis=2) < 120).any() and (sheet[120:, 160:].min(axis=2) < 120).any()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    image = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save(image, tmp_path / "picture.nonsense")
    with pytest.raises(InputError, match="cannot be written"):
        save(image, tmp_path / "file" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
