"""What is drawn of a shape."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.errors import InputError
from isofield.render import colors
from isofield.types import Cloud
from isofield.viewer import scene


def test_the_scene_is_centred_and_outliers_of_a_cloud_do_not_shrink_it(table):
    frame = scene.frame_of(Cloud(np.concatenate([100 + 7 * table, [[1e6, 0, 0]], [[np.nan] * 3]])))
    assert np.allclose(frame.center, 100, atol=0.5) and 1 / 8 < frame.scale < 1 / 7
    with pytest.raises(InputError, match="no finite point"):
        scene.frame_of(Cloud(np.full((3, 3), np.nan)))


def test_colours_by_numbers_and_normals(table):
    cloud = Cloud(table, table, attributes={"x": table[:, 0].astype(np.float32)})
    assert scene.colorings(cloud) == [scene.HEIGHT, scene.PLAIN, scene.NORMALS, "x"]
    low, high = (scene.colors_of(cloud, "x")[pick(table[:, 0])] for pick in (np.argmin, np.argmax))
    assert np.array_equal(low, colors.RAMP[0]) and np.array_equal(high, colors.RAMP[-1])
    assert np.array_equal(scene.colors_of(cloud, scene.HEIGHT, "x"), scene.colors_of(cloud, "x"))
    assert scene.colors_of(cloud, scene.NORMALS)[0].tolist() == np.rint(127.5 * (table[0] + 1)).tolist()
    assert colors.ramp(np.array([0, np.nan, 1])).tolist()[1] == [128] * 3
    assert scene.of_confidence(np.array([0.0, 1.0])).tolist() == [[*scene.UNTRUSTED], [*scene.CLAY]]


def test_a_shape_is_described_by_its_counts_and_size(ball):
    assert scene.described(ball) == "320 faces, 2 x 2 x 2"
    assert scene.described(Cloud(np.random.default_rng(0).random((1500, 3)))).startswith("1 500 points, 0.99")


def test_rays_join_sensors_and_points(table):
    sensors = np.full((200, 3), 5.0)
    sensors[:50] = np.nan
    rays = scene.rays_of(Cloud(table, sensors=sensors), most=20)
    assert rays.shape == (20, 2, 3) and (rays[:, 0] == 5).all()
    assert np.array_equal(rays[0, 1], table[50]) and np.array_equal(rays[-1, 1], table[-1])
    assert len(scene.rays_of(Cloud(table))) == 0 == len(scene.rays_of(Cloud(table, sensors=sensors * np.nan)))


def test_a_picture_is_a_plane_with_its_top_row_above():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    plane = scene.picture_plane(picture)
    assert plane.vertices[0].tolist() == [-0.75, 0.25, 0] and plane.vertices[-1].tolist() == [0.75, -0.25, 0]
    assert np.array_equal(scene.colors_of(plane, scene.OWN), picture.reshape(-1, 3))
    assert plane.area == pytest.approx(1.5 * 0.5)
