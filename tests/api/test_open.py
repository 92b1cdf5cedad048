"""Open fields: they end where the points end, in folders, meshes and queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

import isofield
from isofield import api
from isofield.api.coverage import open_mesh, without_far_faces
from isofield.api.fit import LOOK
from isofield.errors import InputError


@pytest.fixture
def bowl(ball):
    """A ball whose points cover its upper half only, as an open surface."""
    x = np.random.default_rng(0).standard_normal((6000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    center, vertices = np.asarray(ball.similarity.center), np.asarray(ball.mesh().vertices)
    radius = float(np.linalg.norm(vertices - center, axis=1).mean())
    return replace(ball, points=center + radius * x[x[:, 2] > 0], spacing=0.02 * radius, open=True), center, radius


def test_an_open_field_ends_where_its_points_end(bowl):
    sdf, center, radius = bowl
    mesh = sdf.mesh()
    spacing = float(np.median(sdf.local_spacing))
    low = float(np.asarray(mesh.vertices)[:, 2].min() - center[2])
    assert not mesh.is_watertight and -1.2 * spacing < low < 0
    assert mesh.area == pytest.approx(2 * np.pi * radius * (radius - low), rel=0.05)
    assert api.fit_report(mesh, sdf.points, sdf.spacing).unseen < 0.02
    assert sdf.mesh(close_holes=10 * radius).is_watertight


def test_parts_far_from_all_points_do_not_count(bowl, ball):
    sdf, _, _ = bowl
    mesh = ball.mesh()
    local = trimesh.Trimesh(sdf.similarity.apply(np.asarray(mesh.vertices)), mesh.faces, process=False)
    near = without_far_faces(sdf, local, None)
    assert len(near.faces) < 0.9 * len(mesh.faces)
    near.vertices = sdf.similarity.invert(np.asarray(near.vertices))
    assert open_mesh(sdf, near, None).area == pytest.approx(open_mesh(sdf, mesh, None).area, rel=1e-3)


def test_confidence_is_one_at_points_and_zero_beyond_the_reach(bowl):
    sdf, center, radius = bowl
    there = sdf.confidence(sdf.points[:100])
    assert (there == 1).all()
    assert (sdf.confidence(np.array([center - [0, 0, radius], center])) == 0).all()
    result = api.query(sdf, np.array([sdf.points[0], center, [np.nan] * 3]), confidence=True)
    assert result.confidence[0] == 1 and result.confidence[1] == 0 and np.isnan(result.confidence[2])


def test_a_folder_keeps_that_a_field_is_open(bowl, tmp_path):
    sdf, _, _ = bowl
    sdf = replace(sdf, reach=3.0)
    sdf.save(tmp_path / "bowl")
    again = isofield.load(tmp_path / "bowl")
    assert again.open and again.reach == 3.0
    assert np.abs(again.mesh().bounds - sdf.mesh().bounds).max() < 0.05


def test_a_field_whose_points_are_elsewhere_leaves_nothing(bowl):
    sdf, _, radius = bowl
    with pytest.raises(InputError, match="--surface closed"):
        replace(sdf, points=sdf.points + 50 * radius).mesh(keep_all=True)


@pytest.mark.parametrize("height", [0.0, 0.2])
def test_a_sheet_that_is_to_be_closed_has_no_holes_where_the_hull_touches_it(height):
    random = np.random.default_rng(0)
    x, y = random.uniform(-1, 1, (2, 3000))
    sheet = np.stack([x, y, height * np.sin(3 * x) * np.cos(2 * y) + random.normal(0, 0.002, 3000)], 1)
    sdf = isofield.fit(sheet, surface="closed", config=LOOK)
    assert sdf.provenance["surface"] == {"open": False, "reason": "as asked, around points that enclose no volume"}
    mesh = sdf.mesh()
    assert mesh.is_watertight and mesh.euler_number == 2
    assert mesh.extents[:2].max() < 2.2
