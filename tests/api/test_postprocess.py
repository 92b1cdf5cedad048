"""Meshes finished for their users: fewer faces, open where nothing was measured, colours, distances to points."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from isofield import api, io
from isofield.errors import InputError
from isofield.types import Cloud

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0


@pytest.mark.parametrize("faces", [5000, 800, 60])
def test_fewer_faces_stay_closed(ball, faces):
    found = api.postprocess(ball, ball.extract(96), faces=faces)
    assert faces / 2 <= len(found.mesh.faces) <= faces
    assert found.mesh.is_watertight
    assert found.problems == []
    assert found.mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02 if faces > 100 else 0.25)


def test_the_largest_component_keeps_its_cavity(ball):
    """Beside it lie a small ball, and a smaller one within the cavity."""
    hollow = trimesh.creation.icosphere(3, 0.7)
    hollow.invert()
    parts = [
        trimesh.creation.icosphere(3),
        hollow,
        trimesh.creation.icosphere(2, 0.3),
        trimesh.creation.icosphere(2, 0.4),
    ]
    parts[3].apply_translation([3, 0, 0])
    found = api.postprocess(
        ball, replace(ball.extract(16), mesh=trimesh.util.concatenate(parts), dropped=1), largest=True
    )
    assert found.dropped == 3
    assert found.mesh.volume == pytest.approx(parts[0].volume + hollow.volume)
    assert len(found.mesh.vertices) == 2 * len(hollow.vertices)


def test_more_faces_than_there_are_change_nothing(ball):
    extraction = ball.extract(16)
    assert api.postprocess(ball, extraction, faces=10**6).mesh is extraction.mesh


def half(ball):
    """The ball, of which only the points with x above its centre were measured."""
    return replace(ball, points=ball.points[ball.points[:, 0] > CENTER[0]])


def test_trim_opens_the_mesh_where_nothing_was_measured(ball):
    extraction = ball.extract(64)
    found = api.postprocess(half(ball), extraction, trim=0.5)
    assert not found.mesh.is_watertight
    assert found.mesh.vertices[:, 0].min() > CENTER[0] - 0.8
    assert found.mesh.area == pytest.approx(2 * np.pi * RADIUS * (RADIUS + 0.4), rel=0.05)  # zone up to 0.5 beyond
    assert extraction.mesh.is_watertight


def test_confidence_is_the_distance_to_the_points(ball, tmp_path):
    found = api.postprocess(half(ball), ball.extract(32), confidence=True)
    gap = found.mesh.vertex_attributes["distance_to_points"]
    pole = found.mesh.vertices[:, 0].argmin()
    assert gap[pole] == pytest.approx(RADIUS * np.sqrt(2), rel=0.05)
    assert np.median(gap[found.mesh.vertices[:, 0] > CENTER[0] + 1]) < 0.2
    io.write_mesh(found.mesh, tmp_path / "a.ply")
    again = trimesh.load(tmp_path / "a.ply", process=False)
    assert np.array_equal(again.metadata["_ply_raw"]["vertex"]["data"]["distance_to_points"], gap)
    assert np.array_equal(again.faces, found.mesh.faces)


@pytest.mark.slow
def test_confidence_knows_every_point_of_a_large_scan():
    unit = np.random.default_rng(0).normal(size=(60_000, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    sdf = api.fit(unit, quality="fast")
    mesh = api.postprocess(sdf, sdf.extract(48), confidence=True).mesh
    true = cKDTree(unit).query(mesh.vertices)[0]
    off = np.abs(mesh.vertex_attributes["distance_to_points"] - true)
    assert np.quantile(off, 0.99) < 1e-5  # a few points are taken for outliers


def test_colours_and_attributes_come_back_within_two_percent(tmp_path):
    """A cloud whose colours say where its points are: its mesh's colours must say the same."""
    random = np.random.default_rng(0)
    unit = random.normal(size=(3000, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    colors = np.column_stack([np.round(127.5 + 120 * unit), np.full(3000, 255)]).astype(np.uint8)
    heat = (20 + 5 * unit[:, 2]).astype(np.float32)
    io.write_cloud(Cloud(7 * unit, None, colors, {"heat": heat}), tmp_path / "cloud.ply")
    sdf = api.fit(tmp_path / "cloud.ply", quality="fast")
    sdf.save(tmp_path / "field")
    sdf = api.load(tmp_path / "field")
    mesh = api.postprocess(sdf, sdf.extract(64), faces=3000).mesh
    io.write_mesh(mesh, tmp_path / "mesh.ply")
    again = trimesh.load(tmp_path / "mesh.ply", process=False)
    place = again.vertices / np.linalg.norm(again.vertices, axis=1, keepdims=True)
    off = np.abs(again.visual.vertex_colors[:, :3] - (127.5 + 120 * place)) / 255
    assert off.mean() < 0.02
    assert np.quantile(off, 0.99) < 0.06
    kept = np.asarray(again.metadata["_ply_raw"]["vertex"]["data"]["heat"])
    assert np.abs(kept - (20 + 5 * place[:, 2])).mean() < 0.02 * 10


def test_colours_and_attributes_of_a_mesh_are_carried(tmp_path):
    box = trimesh.creation.icosphere(3)
    red = np.clip(np.round(127.5 + 127.5 * box.vertices), 0, 255).astype(np.uint8)
    box.visual.vertex_colors = np.column_stack([red, np.full(len(red), 255)])
    box.vertex_attributes["height"] = box.vertices[:, 2].copy()
    sdf = api.fit(box, quality="fast")
    for mesh in (api.postprocess(sdf, sdf.extract(32)).mesh, sdf.mesh(32)):
        assert np.abs(mesh.vertex_attributes["height"] - mesh.vertices[:, 2]).max() < 0.05
        off = np.abs(mesh.visual.vertex_colors[:, :3] - (127.5 + 127.5 * mesh.vertices)) / 255
        assert off.mean() < 0.02


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"faces": 3}, "cannot represent a shape"),
        ({"trim": 0}, "greater than 0"),
        ({"trim": float("nan")}, "greater than 0"),
        ({"trim": 1e-6}, "leaves nothing"),
    ],
)
def test_what_no_mesh_can_have_is_refused(ball, options, words):
    with pytest.raises(InputError, match=words):
        api.postprocess(ball, ball.extract(16), **options)


def test_a_report_counts_the_outliers_and_the_rays_of_the_sensors():
    sphere = trimesh.creation.icosphere(4)
    points = np.asarray(trimesh.sample.sample_surface(sphere, 40_000, seed=0)[0])
    near = points[points[:, 2] > 0.5]
    sensors = np.tile([0.0, 0, 5000], (len(near), 1))
    figures = api.fit_report(sphere, near, 0.03, np.tile([0.0, 0, 4], (len(near), 1)), sensors)
    assert figures.p95 == pytest.approx(3, abs=0.01)
    assert figures.unseen == pytest.approx(0.7, abs=0.04)
    assert figures.rays is not None and figures.rays.met > 0.99 and figures.rays.blocked == 0
    below = api.fit_report(sphere, near, 0.03, None, -sensors)
    assert below.rays is not None and below.rays.blocked > 0.99 and below.median < 0.01
    assert api.fit_report(sphere, near, 0.03, None, np.full_like(near, np.nan)).rays is None
