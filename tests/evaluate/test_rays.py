from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.errors import InputError
from isofield.evaluate.rays import first_hit, rays_met, stray

SENSOR = np.array([5.0, 0, 0])
NEAR, FAR = 500_000.0, 5.4e6
"""Offsets as of UTM coordinates."""


def sphere(radius: float) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=5, radius=radius)


def scanned(count: int = 2000) -> np.ndarray:
    """Points of the unit sphere that SENSOR sees: x is at least 1/5."""
    direction = np.random.default_rng(0).normal(size=(8 * count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction[direction[:, 0] > 0.25][:count]


def plane(count: int, height: float = 0.0, size: float = 1.0) -> trimesh.Trimesh:
    """A square of count x count cells."""
    u, v = np.meshgrid(*[np.linspace(0, size, count + 1)] * 2, indexing="ij")
    corner = np.arange((count + 1) ** 2).reshape(count + 1, -1)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return trimesh.Trimesh(np.stack([u.ravel(), v.ravel(), np.full(u.size, height)], 1), faces, process=False)


def test_distances_along_rays_to_a_box_and_past_it():
    box = trimesh.creation.box((2, 2, 2))
    origins = np.array([[5.0, 0.2, 0.3], [0, 0.1, 0.2], [5, 1.2, 0]])
    directions = np.array([[-1.0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    assert first_hit(box.vertices, box.faces)(origins, directions) == pytest.approx([4, 1, np.inf])


def test_rays_meet_the_surface_that_was_scanned():
    found = rays_met(sphere(1), scanned(), np.broadcast_to(SENSOR, (2000, 3)))
    assert found.met == 1
    assert found.blocked == 0


def test_a_larger_sphere_blocks_the_rays_and_a_smaller_one_lets_them_pass():
    sensors = np.broadcast_to(SENSOR, (2000, 3))
    larger, smaller = rays_met(sphere(1.3), scanned(), sensors), rays_met(sphere(0.5), scanned(), sensors)
    assert (larger.met, larger.blocked) == (0, 1)
    assert (smaller.met, smaller.blocked) == (0, 0)


def test_half_of_the_rays_is_blocked_by_half_a_plane():
    points = plane(40).vertices + [0.001, 0.002, 0]
    sensors = points + [0, 0, 10.0]
    screen = plane(1, height=5.0)
    screen.apply_scale([0.5, 2, 1]).apply_translation([-0.01, -0.5, 0])
    found = rays_met(trimesh.util.concatenate([plane(4, size=1.1), screen]), points, sensors)
    share = float((points[:, 0] < 0.49).mean())
    assert found.met == pytest.approx(1 - share)
    assert found.blocked == pytest.approx(share)


def test_the_tolerance_of_a_ray_grows_with_its_range_or_is_given():
    points = np.array([[0.5, 0.4, 0.05]])
    above = points + [0, 0, 10.0]
    assert rays_met(plane(1), points, above).met == 1  # 0.05 of 10.05
    assert rays_met(plane(1), points, points + [0, 0, 1.0]).met == 0
    assert rays_met(plane(1), points, above, tolerance=0.01).met == 0


def test_points_without_sensor_do_not_count():
    points = np.concatenate([scanned(100), [[9.0, 9, 9]]])
    sensors = np.concatenate([np.broadcast_to(SENSOR, (100, 3)), np.full((1, 3), np.nan)])
    assert rays_met(sphere(1), points, sensors).met == 1
    with pytest.raises(InputError, match="none of the points has a sensor"):
        rays_met(sphere(1), points, np.full(points.shape, np.nan))
    with pytest.raises(InputError, match="lies at the point"):
        rays_met(sphere(1), points[:1], points[:1])


def test_rays_far_from_the_origin_keep_their_digits():
    shift = np.array([NEAR, FAR, 300])
    mesh = sphere(1)
    mesh.apply_translation(shift)
    assert rays_met(mesh, scanned() + shift, np.broadcast_to(SENSOR + shift, (2000, 3)), tolerance=0.02).met == 1


def test_stray_is_the_share_of_the_area_far_from_the_points():
    points = plane(50).vertices
    assert stray(plane(3), points) == 0
    both = trimesh.util.concatenate([plane(3), plane(3, height=0.5)])
    assert stray(both, points) == pytest.approx(0.5, abs=0.02)
    assert stray(plane(3, height=0.05), points) == 0  # the eighth neighbour is 1.41 cells of 0.02 away
    assert stray(plane(3, height=0.2), points) == 1


def test_stray_judges_each_part_by_its_own_density():
    fine, coarse = plane(100).vertices, plane(10).vertices + [3, 0, 0]
    points = np.concatenate([fine, coarse])
    raised = plane(3, height=0.15)
    assert stray(raised, points) == 1
    assert stray(raised.copy().apply_translation([3, 0, 0]), points) == 0
