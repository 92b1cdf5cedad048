"""What is drawn of a shape."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.errors import InputError
from isofield.types import Cloud
from isofield.viewer import scene


def test_the_scene_is_centred_and_outliers_of_a_cloud_do_not_shrink_it(table):
    frame = scene.frame_of(Cloud(np.concatenate([100 + 7 * table, [[1e6, 0, 0]], [[np.nan] * 3]])))
    assert np.allclose(frame.center, 100, atol=0.5) and 1 / 8 < frame.scale < 1 / 7
    with pytest.raises(InputError, match="no finite point"):
        scene.frame_of(Cloud(np.full((3, 3), np.nan)))


def test_a_large_mesh_is_decimated_with_its_colours_and_says_so():
    mesh = trimesh.creation.icosphere(5)
    colors = np.rint(127.5 * (mesh.vertices + 1)).astype(np.uint8)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False, vertex_colors=colors)
    mesh.vertex_attributes["height"] = np.asarray(mesh.vertices[:, 1], np.float32)
    fewer, note = scene.reduced(mesh, faces=2000)
    assert note == "2 000 of 20 480 faces are shown." and fewer.is_watertight
    expected = 127.5 * (fewer.vertices + 1)
    assert np.abs(scene.colors_of(fewer, scene.OWN) - expected).max() < 15
    assert np.abs(scene.vertex_scalars(fewer)["height"] - fewer.vertices[:, 1]).max() < 0.1
    assert scene.reduced(mesh) == (mesh, "")


def test_a_large_cloud_is_thinned_and_points_that_are_not_finite_are_left_out(table):
    cloud = Cloud(np.concatenate([table, [[np.inf, 0, 0]]]), attributes={"time": np.arange(201, dtype=np.float32)})
    fewer, note = scene.reduced(cloud, points=50)
    assert len(fewer.points) == 50 and note == "50 of 201 points are shown."
    assert np.array_equal(fewer.points, cloud.points[fewer.attributes["time"].astype(int)])
    assert len(scene.reduced(cloud)[0].points) == 200


def test_colours_by_numbers_and_normals(table):
    cloud = Cloud(table, table, attributes={"x": table[:, 0].astype(np.float32)})
    assert scene.colorings(cloud) == [scene.HEIGHT, scene.PLAIN, scene.NORMALS, "x"]
    low, high = (scene.colors_of(cloud, "x")[pick(table[:, 0])] for pick in (np.argmin, np.argmax))
    assert np.array_equal(low, scene.RAMP[0]) and np.array_equal(high, scene.RAMP[-1])
    assert np.array_equal(scene.colors_of(cloud, scene.HEIGHT, "x"), scene.colors_of(cloud, "x"))
    assert scene.colors_of(cloud, scene.NORMALS)[0].tolist() == np.rint(127.5 * (table[0] + 1)).tolist()
    assert scene.ramp(np.array([0, np.nan, 1])).tolist()[1] == [128] * 3
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
