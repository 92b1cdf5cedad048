"""The z-buffer, the cameras and depth images against exact answers."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.families.furniture import chair
from isofield.render import Orthographic, all_around, depth, frame, look, up_axis, views
from isofield.render.camera import best_view, core, direction
from isofield.render.raster import barycentric, rasterize


def test_depth_of_a_sphere_is_exact():
    ball = trimesh.creation.icosphere(5)
    camera = frame(ball.vertices, size=(120, 90), view=(40, 25))
    image = depth(ball, camera)
    assert image.depth.shape == (90, 120)
    points = image.points()
    assert 1000 < len(points) < 9000
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 1e-3
    # Only the near side: each point faces the eye.
    assert ((camera.eye - points) * points).sum(axis=1).min() > -0.05


def test_the_nearest_triangle_wins_and_neighbours_leave_no_gap():
    grid = trimesh.creation.box((2, 2, 0.001)).subdivide().subdivide().subdivide()
    back = trimesh.creation.box((4, 4, 0.1))
    back.apply_translation((0, 0, -1))
    both = trimesh.util.concatenate([grid, back])
    camera = frame(both.vertices, size=(101, 101), view=(0, 0))
    buffers = rasterize(both.vertices, both.faces, camera)
    alone = rasterize(grid.vertices, grid.faces, camera)
    near = alone.face >= 0
    assert near.sum() > 1000
    rows, columns = np.nonzero(near)
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # a full rectangle: no cracks
    np.testing.assert_array_equal(buffers.face[near], alone.face[near])


def test_every_pixel_agrees_with_a_ray_through_its_centre():
    random = np.random.default_rng(0)
    corners = random.normal(size=(60, 3))
    faces = random.permutation(60).reshape(20, 3)
    camera = frame(corners, size=(40, 40))
    buffers = rasterize(corners, faces, camera)
    rows, columns = (axis.ravel() for axis in np.indices((40, 40)))
    rays = camera.rays(rows, columns) @ camera.rotation
    best = np.full(1600, np.inf)
    for a, b, c in corners[faces]:
        solution = np.linalg.solve(
            np.stack([np.broadcast_to(b - a, rays.shape), np.broadcast_to(c - a, rays.shape), -rays], axis=2),
            np.broadcast_to(camera.eye - a, rays.shape)[..., None],
        )[..., 0]
        hit = (solution[:, 0] >= 0) & (solution[:, 1] >= 0) & (solution[:, :2].sum(axis=1) <= 1)
        best = np.minimum(best, np.where(hit, solution[:, 2], np.inf))
    seen = np.isfinite(best)
    assert seen.sum() > 300
    np.testing.assert_array_equal(np.isfinite(buffers.depth.ravel()), seen)
    np.testing.assert_allclose(buffers.depth.ravel()[seen], best[seen], rtol=1e-6)


def test_barycentric_weights_give_the_point_back():
    vertices = np.random.default_rng(1).normal(size=(3, 3))
    weights = np.array([[0.2, 0.3, 0.5], [1, 0, 0], [0.5, 0, 0.5]])
    got = barycentric(vertices, np.array([[0, 1, 2]]), np.zeros(3, np.int64), weights @ vertices)
    np.testing.assert_allclose(got, weights, atol=1e-9)


def test_project_and_unproject_are_inverse():
    points = np.random.default_rng(2).normal(size=(50, 3)) * 1e-7 + 3
    camera = frame(points, size=(200, 100), view=(-70, 10), up="z")
    pixels, along = camera.project(points)
    back = camera.unproject(pixels[:, 1] - 0.5, pixels[:, 0] - 0.5, along)
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-13)


def test_a_frame_holds_all_points_and_fills_the_picture():
    for up in "xyz":
        points = np.random.default_rng(3).normal(size=(500, 3)) * (1, 5, 2) + 40
        camera = frame(points, size=(300, 200), up=up, view=(130, 35))
        pixels, _ = camera.project(points)
        assert (pixels >= 0).all() and (pixels < (300, 200)).all()
        assert (np.ptp(pixels, axis=0) / (300, 200)).max() > 0.85
        assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
        assert np.isclose(np.linalg.det(camera.rotation), 1)


def test_views_stand_all_around():
    points = np.random.default_rng(4).normal(size=(100, 3))
    cameras = views(points, 16)
    toward = np.array([camera.eye for camera in cameras])
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    assert np.linalg.norm(toward.mean(axis=0)) < 0.15
    for camera in cameras:
        pixels, _ = camera.project(points)
        assert (pixels >= 0).all() and (pixels < 512).all()


def test_outliers_do_not_set_the_frame():
    points = np.random.default_rng(5).uniform(-1, 1, size=(5000, 3))
    with_strays = np.concatenate([points, [[1e6, 0, 0], [0, -300, 0], [np.nan, 0, 0]]])
    kept = core(with_strays)
    assert np.abs(kept).max() <= 1
    assert len(kept) == 5000


def test_the_best_view_shows_a_plate_from_its_broad_side():
    plate = trimesh.creation.box((3, 2, 0.05)).subdivide().subdivide().subdivide().subdivide()
    azimuth, _ = best_view(plate.vertices)
    assert min(abs(azimuth - 180 * k) for k in range(3)) <= 30


def test_parallel_rays_see_a_box_as_it_is():
    """Every pixel is a point of the box on a face toward the camera, and all of them cover its shadow."""
    box = trimesh.creation.box((1, 0.6, 0.4))
    for toward in all_around(5):
        camera = Orthographic(1.5 * toward, look(toward), 1.0, 80, 80)
        seen = rasterize(np.asarray(box.vertices), np.asarray(box.faces), camera)
        rows, columns = np.nonzero(seen.face >= 0)
        points = camera.unproject(rows, columns, seen.depth[rows, columns])
        off = np.abs(points) - np.array([0.5, 0.3, 0.2])
        assert np.abs(off.max(axis=1)).max() < 1e-9
        assert (box.face_normals[seen.face[rows, columns]] @ toward > 0).all()
        area = np.abs(box.face_normals @ toward) @ box.area_faces / 2
        assert abs(len(points) * (2 / 80) ** 2 / area - 1) < 0.03
        pixels, depth_ = camera.project(points)
        np.testing.assert_allclose(pixels, np.stack([columns + 0.5, rows + 0.5], 1), atol=1e-9)
        np.testing.assert_allclose(depth_, seen.depth[rows, columns], atol=1e-12)


def test_the_best_view_looks_at_the_side_that_was_observed():
    ball = trimesh.creation.icosphere(4)
    normals = ball.face_normals * ball.area_faces[:, None]
    for azimuth in (30.0, 120.0, 210.0, 330.0):
        toward = direction(azimuth, 20.0)
        observed = (ball.face_normals @ toward > 0).astype(float)
        assert best_view(ball.vertices, normals=(normals, observed)) == (azimuth, 20.0)
    above = (ball.face_normals[:, 1] > 0.8).astype(float)
    assert best_view(ball.vertices, normals=(normals, above))[1] == 60.0


@pytest.mark.parametrize(
    "shape",
    [chair(), trimesh.creation.cone(1, 2).apply_transform([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])],
)
def test_the_up_axis_of_what_stands_on_its_lower_end(shape):
    y_up = np.asarray(shape.vertices)
    z_up = y_up[:, [0, 2, 1]] * [1, -1, 1]
    assert up_axis(y_up) == "y"
    assert up_axis(z_up) == "z"


def test_the_up_axis_of_a_ball_and_a_box_is_y():
    assert up_axis(trimesh.creation.icosphere(3).vertices) == "y"
    assert up_axis(trimesh.creation.box((1, 2, 3)).vertices) == "y"
