from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.evaluate import heatmap
from isofield.evaluate.heatmaps import COLORS, distances_to, write
from isofield.types import Cloud


def test_distances_are_to_triangles_not_to_vertices():
    # One large triangle: above its inside, beyond an edge, beyond a corner.
    truth = trimesh.Trimesh([[0, 0, 0], [10, 0, 0], [0, 10, 0]], [[0, 1, 2]], process=False)
    points = np.array([[2.0, 2, 3], [5, -4, 0], [-3, -4, 0]])
    for scale in (1.0, 1e-6, 1e16):
        scaled = trimesh.Trimesh(truth.vertices * scale, truth.faces, process=False)
        assert distances_to(points * scale, scaled) == pytest.approx(np.array([3, 4, 5]) * scale, rel=1e-9)
    assert distances_to(points, Cloud(np.zeros((1, 3)))) == pytest.approx(np.linalg.norm(points, axis=1))


def test_colours_follow_the_errors(tmp_path):
    truth = trimesh.creation.icosphere(3)
    pred = truth.copy()
    pred.vertices[pred.vertices[:, 2] > 0.5] *= 1.2
    picture = heatmap(pred, truth, top=0.1)
    moved = pred.vertices[:, 2] > 0.55
    assert picture.errors[moved] == pytest.approx(0.2, rel=0.02)
    assert (picture.colors[moved, :3] == COLORS[-1]).all()
    assert (picture.colors[pred.vertices[:, 2] < 0, :3] == COLORS[0]).all()
    assert picture.scale()[0] == (0, tuple(COLORS[0]))
    assert picture.scale()[-1] == (0.1, tuple(COLORS[-1]))

    write(picture, tmp_path / "heat.ply")
    again = io.read(tmp_path / "heat.ply")
    assert again.vertices == pytest.approx(pred.vertices, abs=1e-6)
    assert np.array_equal(again.faces, pred.faces)
    assert np.array_equal(again.visual.vertex_colors[:, :3], picture.colors[:, :3])
    assert [p.name for p in tmp_path.iterdir()] == ["heat.ply"]


def test_clouds_are_coloured_too(tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 3))
    picture = heatmap(Cloud(points), trimesh.creation.icosphere(3))
    assert picture.top == pytest.approx(np.percentile(picture.errors, 99))
    write(picture, tmp_path / "cloud.ply")
    again = io.read(tmp_path / "cloud.ply")
    assert isinstance(again, Cloud)
    assert again.points == pytest.approx(points, abs=1e-6)
    assert np.array_equal(again.colors[:, :3], picture.colors[:, :3])


def test_no_error_at_all_is_the_first_colour():
    truth = Cloud(np.random.default_rng(0).normal(size=(300, 3)))
    assert (heatmap(truth, truth).colors[:, :3] == COLORS[0]).all()


def test_a_scale_without_length_is_refused():
    with pytest.raises(InputError, match="scale"):
        heatmap(trimesh.creation.box(), trimesh.creation.box(), top=0)
