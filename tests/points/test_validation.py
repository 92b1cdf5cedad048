"""What can be fitted at all, in any unit and at any place."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import trimesh

from isofield.errors import InputError
from isofield.points import check_cloud, check_faces, check_points
from isofield.types import RADIUS, Cloud, normalization

UNITS = [1e-6, 1.0, 1e16, 1e-70, 1e70]


def refuse(check, thing, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        check(thing, "scan.ply")
    message = str(caught.value)
    assert message.startswith("scan.ply") and message.endswith(".") and "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("unit", [1e-300, 1e-120, 1e120, 1e200])
def test_sizes_whose_volumes_cannot_be_told_are_refused(table, unit):
    refuse(check_points, table * unit, "extent", "change its unit")
    refuse(check_faces, trimesh.Trimesh(table[:3] * unit, [[0, 1, 2]], process=False), "change its unit")


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("far", [0.0, 1e3])
def test_good_points_pass_in_silence(table, unit, far):
    points = (table + np.array([far, -far, far])) * unit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(check_points(points, "x"), points)
        check_points(points * [1, 1, 0], "a plane")
        check_points(np.tile(points, (3, 1)), "duplicated")
        check_points(table.astype(np.float32), "32 bits")


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("far", [0.0, 1e3])
def test_points_that_are_no_surface(table, unit, far):
    check = check_points
    shift = np.array([far, -far, far])
    refuse(check, (table[:99] + shift) * unit, "99 points", "at least 100")
    refuse(check, (np.zeros((500, 3)) + shift) * unit + unit, "500 points, all of them equal")
    refuse(check, (np.linspace(0, 1, 500)[:, None] * [1, 2, 3] + shift) * unit, "on one line")
    refuse(check, (np.tile(table[:50], (10, 1)) + shift) * unit, "500 points but only 50 different")
    refuse(check, np.empty((0, 3)), "no points")
    refuse(check, np.zeros((500, 2)), "(500, 2)")
    refuse(check, [["a", "b", "c"]] * 200, "numbers")


def test_a_few_points_that_are_not_finite_are_dropped(table):
    points = np.tile(table, (2, 1)) * np.linspace(1, 2, 400)[:, None]
    points[3, 0], points[7, 1], points[9] = np.nan, np.inf, -np.inf
    with pytest.warns(UserWarning, match=r"^x: 3 of 400 points are not finite"):
        kept = check_points(points, "x")
    assert len(kept) == 397 and np.isfinite(kept).all()
    color = np.arange(1600).reshape(400, 4).astype(np.uint8)
    with pytest.warns(UserWarning, match="3 of 400"):
        cloud = check_cloud(Cloud(points, points.copy(), color), "x")
    assert len(cloud.points) == len(cloud.normals) == len(cloud.colors) == 397
    assert np.array_equal(cloud.points, cloud.normals) and (cloud.colors[3] == color[4]).all()
    points[:41, 0] = np.nan
    refuse(check_points, points, "41 of 400 points", "not finite")


def test_pixels_that_measured_nothing_are_dropped_however_many(table):
    points = np.concatenate([np.full((1000, 3), np.nan), table])
    with pytest.warns(UserWarning, match="^x: 1000 of 1200 points are not finite"):
        assert np.array_equal(check_points(points, "x"), table)
    refuse(check_points, points[:1050], "50 points", "at least 100")


def test_precision_that_is_lost_far_from_the_origin(table):
    far = (table + 30_000).astype(np.float32)
    with pytest.warns(UserWarning, match=r"32 bits hold them only in steps of 0\.00[12] .*64 bits"):
        check_points(far, "x")
    with pytest.warns(UserWarning, match="64 bits hold them only in steps"):
        check_points(table + 1e13, "x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_points(table + 1e6, "x")


@pytest.mark.parametrize("unit", UNITS)
def test_faces(ball, unit):
    mesh = trimesh.Trimesh(ball.vertices * unit, ball.faces, process=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_faces(mesh, "x") is mesh
    line = np.linspace(0, 1, 162)[:, None] * np.array([1, 2, 3.0]) * unit
    refuse(check_faces, trimesh.Trimesh(line, ball.faces, process=False), "only degenerate faces (320")
    holed = mesh.vertices.copy()
    holed[0] = np.nan
    with pytest.warns(UserWarning, match=r"5 of 320 faces"):
        kept = check_faces(trimesh.Trimesh(holed, ball.faces, process=False), "x")
    assert len(kept.faces) == 315 and np.isfinite(kept.vertices).all()
    holed[:40] = np.inf
    refuse(check_faces, trimesh.Trimesh(holed, ball.faces, process=False), "not finite")


@pytest.mark.parametrize("unit", UNITS)
def test_normalization_leads_there_and_back(table, unit):
    points = (table * [1, 2, 3] + [5, 6, 7]) * unit
    similarity = normalization(np.concatenate([points, [[np.nan] * 3]]))
    inside = similarity.apply(points)
    assert abs(np.linalg.norm(inside, axis=1).max() - RADIUS) < 1e-12
    assert np.abs(inside.min(axis=0) + inside.max(axis=0)).max() < 1e-12
    assert np.abs(similarity.invert(inside) - points).max() < 1e-14 * 10 * unit


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.ones((5, 3)), np.full((5, 3), np.nan), np.eye(3) * 1e-320])
def test_normalization_of_nothing(points):
    with pytest.raises(InputError):
        normalization(points)


def test_a_stray_at_the_origin_of_a_map_does_not_make_the_points_a_line(table):
    points = np.tile(table, (20, 1)) * np.random.default_rng(0).uniform(0.9, 1, (20 * len(table), 1)) + [7e5, 6e6, 10]
    assert len(check_points(np.concatenate([points, np.zeros((2, 3))]), "map.las")) == len(points) + 2
    line = np.linspace(0, 1, 500)[:, None] * [1, 2, 3] + [7e5, 6e6, 10]
    refuse(check_points, np.concatenate([line, np.zeros((2, 3))]), "on one line")
