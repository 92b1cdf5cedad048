"""Free space along the rays of sensors, in rooms and plates whose every point can be worked out."""

import numpy as np
import pytest

from isofield import io
from isofield.types import Cloud, Similarity

SAME = Similarity((0.0, 0.0, 0.0), 1.0)


def room(count: int, sensor, seed: int = 0) -> Cloud:
    """Points that a sensor in a room measures on its walls (a cube from -1 to 1), in all directions."""
    rays = np.random.default_rng(seed).normal(size=(count, 3))
    with np.errstate(divide="ignore"):
        reach = np.where(rays > 0, (1 - np.array(sensor)) / rays, (-1 - np.array(sensor)) / rays).min(1)
    points = np.array(sensor) + rays * reach[:, None]
    return Cloud(points, sensors=np.tile(np.array(sensor, float), (count, 1)))


def plate(side: int, height: float, half: float) -> np.ndarray:
    """Points of a level square."""
    x, y = np.meshgrid(*[np.linspace(-half, half, side)] * 2)
    return np.stack([x, y, np.full_like(x, height)], -1).reshape(-1, 3)


def test_the_air_of_a_room_is_free_and_its_walls_and_the_outside_are_not():
    sensor = np.array([0.3, -0.2, 0.1])
    cloud = room(20_000, sensor)
    free = io.free_of(io.rays_of(cloud), SAME)
    inside = sensor + (cloud.points - sensor) * np.random.default_rng(1).uniform(0.05, 0.8, (20_000, 1))
    assert free(inside, 0.05).mean() > 0.97
    assert not free(cloud.points, 0.05).any()
    assert not free(sensor + (cloud.points - sensor) * 1.2, 0.05).any()


def test_free_space_is_in_the_normalised_space():
    cloud, similarity = room(20_000, (0.0, 0.0, 0.0)), Similarity((5.0, 0.0, 0.0), 0.1)
    free = io.free_of(io.rays_of(cloud), similarity)
    at = np.array([[0.5, 0, 0], [0.95, 0, 0], [1.2, 0, 0]])
    assert free(similarity.apply(at), 0.02).tolist() == [True, False, False]


def test_what_no_ray_passed_is_unknown():
    """A plate before a wall hides part of it, and the wall has a window."""
    wall = plate(200, -2.0, 2.0)
    hidden = np.abs(wall[:, :2]).max(1) < 1  # twice the plate, at twice its distance
    window = np.abs(wall[:, :2] - 1.5).max(1) < 0.25
    points = np.concatenate([wall[~hidden & ~window], plate(100, -1.0, 0.5)])
    cloud = Cloud(points, sensors=np.zeros_like(points))
    free = io.free_of(io.rays_of(cloud), SAME)
    places = {
        (0, 0, -0.5): True, (0, 0, -0.99): False, (0, 0, -1.5): False,  # before, on and behind the plate
        (-0.7, -0.7, -1.0): True, (0.75, 0.75, -1.0): False,  # beside it: before the wall, and towards the window
        (0, 0, 0.5): False,  # behind the sensor
    }  # fmt: skip
    assert free(np.array(list(places), float), 0.05).tolist() == list(places.values())


def test_a_sensor_far_above_sees_columns_of_air():
    ground = plate(200, 0.0, 1.0)
    roof = np.abs(ground[:, :2]).max(1) < 0.3
    ground[roof, 2] = 0.5
    far = np.tile([0, 0, 1000.0], (len(ground), 1))
    free = io.free_of(io.rays_of(Cloud(ground, sensors=far)), SAME)
    at = np.array([[0.7, 0.7, 0.2], [0.7, 0.7, -0.2], [0, 0, 0.7], [0, 0, 0.2]])
    assert free(at, 0.05).tolist() == [True, False, True, False]


def test_two_sensors_see_more_than_one():
    one, two = room(20_000, (0.8, 0.8, 0.0), 1), room(20_000, (-0.8, -0.8, 0.0), 2)
    screen = np.abs(one.points[:, 0]) < 2
    both = Cloud(np.concatenate([one.points, two.points]), sensors=np.concatenate([one.sensors, two.sensors]))
    assert screen.all()
    rays = io.rays_of(both)
    assert sorted(tuple(ray.position) for ray in rays) == [(-0.8, -0.8, 0.0), (0.8, 0.8, 0.0)]
    assert [len(ray.points) for ray in rays] == [20_000, 20_000]


def test_points_behind_others_betray_a_wrong_sensor():
    cloud = room(20_000, (0.3, -0.2, 0.1))
    (right,) = io.rays_of(cloud)
    assert io.blocked(right, cloud.points).mean() < 0.01
    outside = np.tile([0.0, 0.0, 4.0], (20_000, 1))
    (wrong,) = io.rays_of(Cloud(cloud.points, sensors=outside))
    assert io.blocked(wrong, cloud.points).mean() > 0.1


def test_unknown_sensors_have_no_rays():
    points = room(1000, (0.0, 0.0, 0.0)).points
    assert io.rays_of(Cloud(points)) == []
    assert io.rays_of(Cloud(points, sensors=np.full_like(points, np.nan))) == []
    part = np.where(np.arange(1000)[:, None] < 400, 0.0, np.nan) * np.ones(3)
    (rays,) = io.rays_of(Cloud(points, sensors=part))
    assert len(rays.points) == 400


@pytest.mark.parametrize("count", [3, 1000])
def test_positions_of_a_moving_sensor_are_clustered(count):
    track = np.stack([np.linspace(0, 10, count), np.zeros(count), np.zeros(count)], 1)
    group, centers, radii = io.clusters(np.repeat(track, 5, axis=0))
    assert len(centers) == min(count, 3) or 16 <= len(centers) <= 64
    assert group.min() == 0
    assert group.max() == len(centers) - 1
    off = np.linalg.norm(np.repeat(track, 5, axis=0) - centers[group], axis=1)
    assert (off <= radii[group] + 1e-12).all()
    assert radii.max() < 0.5
