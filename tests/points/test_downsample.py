"""Fewer points, and points out of faces."""

import numpy as np
import pytest
import trimesh

from isofield.points import drop_duplicates, merge_repeats, merge_twins, noise_level, sample_mesh, voxel_downsample
from isofield.types import Cloud


def test_samples_lie_on_the_faces_evenly_by_area():
    box = trimesh.creation.box(extents=[4, 1, 1])
    cloud = sample_mesh(box, 6000, seed=3)
    assert cloud.points.shape == cloud.normals.shape == (6000, 3)
    half = np.array([2, 0.5, 0.5])
    axis = np.abs(cloud.normals).argmax(1)
    rows = np.arange(6000)
    assert np.allclose(cloud.points[rows, axis], half[axis] * cloud.normals[rows, axis])
    assert (axis == 0).mean() == pytest.approx(2 / 18, abs=0.015)
    assert np.array_equal(sample_mesh(box, 6000, seed=3).points, cloud.points)
    assert not np.array_equal(sample_mesh(box, 6000, seed=4).points, cloud.points)


def test_one_point_stays_at_every_place_with_what_was_measured_there():
    points = np.array([[2.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 0], [1, 0, 0]])
    normals = np.eye(3)[[0, 1, 2, 0, 2]]
    colors = np.arange(20, dtype=np.uint8).reshape(5, 4)
    cloud = drop_duplicates(Cloud(points, normals, colors))
    assert np.array_equal(cloud.points[:, 0], [2, 1, 0])
    assert np.array_equal(cloud.normals, normals[[0, 1, 3]])
    assert np.array_equal(cloud.colors, colors[[0, 1, 3]])
    assert drop_duplicates(cloud) is cloud


def test_a_cell_becomes_the_mean_of_its_points_and_the_normal_nearest_to_it():
    corners = np.array([[0.0, 0, 0], [10, 10, 10]])
    cell = np.array([[5.1, 5.1, 5.1], [5.2, 5.2, 5.2], [5.6, 5.6, 5.6]])
    normals = np.eye(3)[[0, 0, 0, 1, 2]]
    thin = voxel_downsample(Cloud(np.concatenate([corners, cell]), normals), 10)
    middle = np.flatnonzero(np.abs(thin.points - 5.3).max(1) < 1e-9)
    assert len(thin.points) == 3
    assert len(middle) == 1
    assert np.array_equal(thin.normals[middle[0]], [0, 1, 0])
    assert voxel_downsample(Cloud(cell), 10).normals is None


def test_no_two_points_share_a_cell_and_an_outlier_does_not_coarsen_the_cells():
    random = np.random.default_rng(0)
    points = random.uniform(0, 1, (20_000, 3)) * [1, 1, 0.001]
    thin = voxel_downsample(Cloud(points), 20).points
    assert 360 <= len(thin) <= 500
    far = voxel_downsample(Cloud(np.concatenate([points, [[1000.0, 0, 0]]])), 20).points
    assert abs(len(far) - 1 - len(thin)) < 0.05 * len(thin)
    assert far[:, 0].max() == 1000


def test_returns_of_one_pulse_become_one_point_and_their_noise_is_found():
    random = np.random.default_rng(0)
    places = random.uniform(0, 1, (4000, 2))
    both = np.concatenate([places, places[:2600] + 1e-5])
    points = np.column_stack([both, random.normal(0, 0.002, len(both))])
    points[4000:, 2] = points[:2600, 2] + 1e-5
    assert noise_level(points) < 0.0005
    merged = merge_twins(Cloud(points, attributes={"intensity": np.ones(len(points), np.float32)}))
    assert 3950 <= len(merged.points) <= 4000
    assert noise_level(merged.points) == pytest.approx(0.002, rel=0.25)
    assert merged.attributes["intensity"].shape == (len(merged.points),)
    alone = Cloud(points[:4000])
    assert merge_twins(alone) is alone


def test_the_border_of_a_sheet_is_sampled_evenly_and_that_of_a_torn_scan_is_not():
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    points = sample_mesh(sheet, 10_000).points
    assert len(points) == 10_000
    below = np.sort(points[points[:, 1] == 0][:, 0])  # 1 / 100 is the mean spacing
    assert np.diff(below).max() <= 0.005 + 1e-12 and below[0] < 0.005 and below[-1] > 0.995
    strips = trimesh.util.concatenate([
        trimesh.Trimesh([[0, y, 0], [1, y, 0], [1, y + 0.01, 0]], [[0, 1, 2]]) for y in np.arange(0, 1, 0.02)
    ])  # fmt: skip
    torn = sample_mesh(strips, 10_000).points
    assert (torn[:, 1] == 0).sum() == 0


@pytest.mark.parametrize("sweeps", [20, 50])
def test_places_that_a_sensor_measures_again_and_again_become_one_point_each(sweeps):
    """Each sweep has its own noise along the ray, a tenth of the distance between places."""
    random, places = np.random.default_rng(0), fibonacci(2000)
    ray = np.repeat(places, sweeps, 0)
    points = ray * (1 + random.normal(0, 0.004, (len(ray), 1))) + random.normal(0, 1e-6, ray.shape)
    order = random.permutation(len(points))
    merged = merge_repeats(Cloud(points[order], ray[order])).points
    assert len(places) <= len(merged) < 1.03 * len(places)  # a few fall apart
    assert np.abs(np.linalg.norm(merged, axis=1) - 1).std() < 1.2 * 0.004 / np.sqrt(sweeps)
    mixed = merge_repeats(Cloud(np.concatenate([points, 5 + fibonacci(2000)])))  # beside places that are measured once
    assert len(mixed.points) == len(merged) + len(places)


def test_small_sheets_and_a_surface_are_no_repeats():
    random, places = np.random.default_rng(0), 10 * fibonacci(500)
    leaves = np.repeat(places, 30, 0) + random.uniform(-0.1, 0.1, (15_000, 3)) * [1, 1, 0.01]
    thick = fibonacci(500) * (1 + random.normal(0, 0.1, (500, 1)))
    for points in (leaves, fibonacci(3000), thick, thick[:8]):
        assert len(merge_repeats(Cloud(points)).points) == len(points)


def fibonacci(count: int) -> np.ndarray:
    """Points (count, 3) evenly on the unit sphere."""
    height, turn = 1 - (2 * np.arange(count) + 1) / count, np.pi * (1 + 5**0.5) * np.arange(count)
    wide = np.sqrt(1 - height**2)
    return np.column_stack([wide * np.cos(turn), wide * np.sin(turn), height])
