"""What `isofield info` says, on shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.types import Cloud


def test_a_closed_mesh(tmp_path, ball):
    (tmp_path / "ball.stl").write_bytes(ball.export(file_type="stl"))
    info = io.inspect(io.read(tmp_path / "ball.stl"), "ball")
    assert (info.name, info.kind, info.points, info.faces) == ("ball", "mesh", 162, 320)
    assert info.watertight and info.consistent and info.components == 1 and info.holes == 0
    assert (info.duplicate_faces, info.degenerate_faces, info.nonfinite_points) == (0, 0, 0)
    assert info.repeated_points == 960 - 162
    assert np.allclose(info.bounds, ball.bounds, atol=1e-6)
    assert abs(info.diagonal - np.linalg.norm(ball.extents)) < 1e-6
    assert info.noise is None and info.method == "auto"


def test_files_and_arrays_are_shapes_too(tmp_path, ball):
    (tmp_path / "ball.stl").write_bytes(ball.export(file_type="stl"))
    assert io.inspect(tmp_path / "ball.stl") == io.inspect(io.read(tmp_path / "ball.stl"), str(tmp_path / "ball.stl"))
    assert io.inspect(ball.vertices).kind == "cloud"
    with pytest.raises(InputError, match="a dict is not a shape: give a file"):
        io.inspect({})


def test_what_is_wrong_with_a_mesh_is_counted(ball):
    faces = ball.faces.copy()[4:]  # the first four share an edge or a corner: one hole
    faces[10] = faces[10][::-1]
    far = ball.vertices + 5
    faces = np.concatenate([faces, ball.faces[2:] + 162, faces[[20]][:, [1, 2, 0]], [[7, 7, 8]]])
    vertices = np.concatenate([ball.vertices, far])
    info = io.inspect(trimesh.Trimesh(vertices, faces, process=False), "x")
    assert not info.watertight and not info.consistent
    assert (info.components, info.duplicate_faces, info.degenerate_faces) == (2, 1, 1)
    assert info.holes >= 2 and info.nonmanifold_edges == 3
    assert info.kind == "soup"


def test_holes_are_counted():
    tube = trimesh.creation.cylinder(1, 2, sections=64, cap=False)
    side = np.abs(tube.face_normals[:, 2]) < 0.5
    open_tube = trimesh.Trimesh(tube.vertices, tube.faces[side], process=False)
    info = io.inspect(open_tube, "tube")
    assert info.holes == 2 and not info.watertight and info.kind == "mesh"


def test_a_layered_scan_and_a_soup():
    sheets = []
    for i in range(3):  # three height fields, each as one camera sees it
        x, y = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60), indexing="ij")
        z = np.sin(3 * x) * np.cos(2 * y) + 0.01 * i
        index = np.arange(3600).reshape(60, 60)
        a, b, c, d = (q.reshape(-1) for q in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        sheets.append(trimesh.Trimesh(np.stack([x, y, z], -1).reshape(-1, 3), faces, process=False))
    scan = trimesh.util.concatenate(sheets)
    info = io.inspect(scan, "scan")
    assert (info.kind, info.components, info.holes, info.consistent) == ("scan", 3, 3, True)
    assert info.noise is not None
    soup = trimesh.Trimesh(
        np.random.default_rng(0).normal(size=(3000, 3)), np.arange(3000).reshape(-1, 3), process=False
    )
    assert io.inspect(soup, "soup").kind == "soup"


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e16])
def test_a_noisy_cloud_in_any_unit(unit):
    generator = np.random.default_rng(1)
    normals = generator.normal(size=(5000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points = normals * (1 + 0.01 * generator.normal(size=(5000, 1))) + [20, 0, 0]
    points = np.concatenate([points, points[:70], [[np.nan, 0, 0]] * 3]) * unit
    info = io.inspect(Cloud(points), "c")
    assert (info.kind, info.points, info.repeated_points, info.nonfinite_points) == ("cloud", 5073, 70, 3)
    assert info.watertight is None and info.components is None
    # 5000 points on an area of 4 pi: neighbours lie at about half the square root of the area of each.
    assert 0.3 < info.spacing / unit / np.sqrt(4 * np.pi / 5000) < 0.8
    assert 0.007 < info.noise / unit < 0.015
    lines = dict(io.describe(info))
    assert lines["kind"] == "cloud" and lines["suggested method"].startswith("auto: ") and "watertight" not in lines


def test_info_of_what_cannot_be_fitted():
    for points in (np.zeros((1, 3)), np.zeros((50, 3)), np.full((5, 3), np.nan)):
        info = io.inspect(Cloud(points), "c")
        assert info.points == len(points) and info.spacing is None
        assert io.describe(info)


def test_normals_and_colors_are_named(table):
    info = io.inspect(Cloud(table, table, np.zeros((200, 4), np.uint8)), "c")
    assert info.normals and info.colors
    assert dict(io.describe(info))["points"] == "200 with normals and colours"
    seen = io.inspect(Cloud(table, table, np.zeros((200, 4), np.uint8), sensors=3 * table), "c")
    assert dict(io.describe(seen))["points"] == "200 with normals, colours and positions of the sensors"


def test_suggests_no_method_for_what_cannot_be_fitted():
    info = io.inspect(Cloud(np.random.default_rng(0).random((50, 3))), "few.npy")
    assert info.method == "none"
    assert info.reason == "few.npy has 50 points, and a surface needs at least 100: give a denser scan."
    assert io.inspect(Cloud(np.zeros((1, 3))), "one.npy").reason.startswith("one.npy has 1 point, and a surface")
