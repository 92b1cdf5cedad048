from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.render import cut_away, sensor_view, sensors_of_room
from isofield.types import Cloud

ROOM = trimesh.creation.box(bounds=[(0, 0, 0), (6, 5, 3)]).subdivide_to_size(0.3)


def room(sensors: list[list[float]]) -> Cloud:
    points = trimesh.sample.sample_surface(ROOM, 4000, seed=0)[0]
    eyes = np.array(sensors)[np.arange(len(points)) % len(sensors)]
    return Cloud(points, sensors=eyes)


def sheet(toward: list[float]) -> Cloud:
    """Points of a square around the origin that one sensor at `toward` measured."""
    flat = np.random.default_rng(0).uniform(-1, 1, (2000, 3)) * [1, 1, 0.05]
    return Cloud(flat, sensors=np.broadcast_to(np.array(toward, float), flat.shape))


@pytest.mark.parametrize("sensors", [[[3.0, 2.5, 1.5]], [[1.0, 1, 1.5], [5, 4, 1.5]]])
def test_a_room_is_seen_from_above_without_the_walls_between(sensors):
    cloud = room(sensors)
    camera, inside = sensor_view(cloud)
    assert inside
    assert camera.eye[2] > 3
    mesh, points = cut_away(ROOM, cloud, camera)
    height = mesh.triangles_center[:, 2]
    assert (height < 1e-6).sum() == (ROOM.triangles_center[:, 2] < 1e-6).sum()  # the floor is there
    assert (height < 3 - 1e-6).all()  # the ceiling is not
    assert len(points.points) / len(cloud.points) == pytest.approx(0.5, abs=0.03)  # three of six walls
    turned = ROOM.copy()
    turned.invert()
    assert len(cut_away(turned, cloud, camera)[0].faces) == len(mesh.faces)  # whichever way the faces are wound


def test_terrain_is_seen_from_above_with_z_up():
    camera, inside = sensor_view(sheet([0, 0, 1000]))
    assert not inside
    assert camera.eye[2] > 0
    assert camera.rotation[0, 2] == pytest.approx(0, abs=1e-9)  # the picture's horizon is level
    assert camera.rotation[1, 2] < 0


def test_a_depth_cameras_view_keeps_its_axes():
    cloud = sheet([0, 0, -3])
    camera, inside = sensor_view(Cloud(cloud.points, sensors=cloud.sensors))
    assert not inside
    assert camera.eye[2] < 0
    assert camera.rotation[0] @ [1, 0, 0] > 0.9  # x right, y down
    assert camera.rotation[1] @ [0, 1, 0] > 0.9
    pixels, depth = camera.project(cloud.points)
    assert (depth > 0).all()
    assert ((pixels > 0) & (pixels < 800)).all()


def test_a_view_from_the_side_has_z_up():
    upright = sheet([0, 0, -3])
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    camera, _ = sensor_view(Cloud(upright.points @ turn.T, sensors=upright.sensors @ turn.T))
    assert camera.eye[1] > 1
    assert camera.rotation[1] @ [0, 0, 1] < -0.9


def test_without_sensors_or_from_all_around_there_is_no_view():
    points = trimesh.sample.sample_surface(trimesh.creation.icosphere(), 2000, seed=0)[0]
    assert sensor_view(Cloud(points)) is None
    assert sensor_view(Cloud(points, sensors=np.full(points.shape, np.nan))) is None
    assert sensor_view(Cloud(points, sensors=4 * points)) is None


def test_a_room_is_known_by_the_side_that_its_faces_show():
    cloud, door = room([[3.0, 2.5, 1.5]]), ROOM.triangles_center[:, 0] < 0.2
    inward = trimesh.Trimesh(ROOM.vertices, ROOM.faces[~door][:, ::-1], process=False)
    sensors = sensors_of_room(inward, cloud.points)
    assert sensor_view(Cloud(cloud.points, sensors=sensors))[1]
    assert ((sensors > ROOM.bounds[0] - 1e-6) & (sensors < ROOM.bounds[1] + 1e-6)).all()
    outward = trimesh.Trimesh(ROOM.vertices, ROOM.faces[~door], process=False)
    assert sensors_of_room(outward, cloud.points) is None
    assert sensors_of_room(ROOM, cloud.points) is None  # closed
    hills = trimesh.creation.box(bounds=[(0, 0, 0), (6, 5, 0.001)]).subdivide_to_size(0.3)
    hills.update_faces(hills.face_normals[:, 2] > 0.5)
    hills.vertices[:, 2] = np.sin(3 * hills.vertices[:, 0])
    assert sensors_of_room(hills, cloud.points) is None
