"""Meshes to files, whole or not at all."""

from __future__ import annotations

import os

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.files import atomic_write, check_output
from isofield.types import Cloud

EXTENSIONS = ["ply", "obj", "stl", "off", "glb"]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_round_trip_and_same_bytes(tmp_path, ball, extension):
    path = tmp_path / "new" / "folders" / f"ball.{extension}"
    io.write_mesh(ball, path)
    first = path.read_bytes()
    io.write_mesh(ball.copy(), path)
    assert path.read_bytes() == first
    assert os.listdir(path.parent) == [path.name]
    mesh = io.read(path)
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert abs(mesh.volume - ball.volume) < 1e-6
    other = trimesh.load(path, force="mesh")  # and others read it
    assert other.is_watertight and abs(other.volume - ball.volume) < 1e-6


@pytest.mark.parametrize("extension", ["ply", "obj", "off", "glb"])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e16])
def test_far_from_the_origin_nothing_moves(tmp_path, ball, extension, unit):
    far = trimesh.Trimesh((ball.vertices + np.array([1e6, -3e6, 0])) * unit, ball.faces, process=False)
    io.write_mesh(far, tmp_path / f"far.{extension}")
    mesh = io.read(tmp_path / f"far.{extension}")
    assert mesh.is_watertight and len(mesh.vertices) == 162
    offset = np.sort(mesh.vertices, axis=0) - np.sort(far.vertices, axis=0)
    assert np.abs(offset).max() < 1e-6 * unit


def test_stl_far_from_the_origin_says_what_it_loses(tmp_path, ball):
    far = trimesh.Trimesh(ball.vertices + 1e6, ball.faces, process=False)
    with pytest.warns(UserWarning, match="32 bits"):
        io.write_mesh(far, tmp_path / "far.stl")


def test_vertices_closer_than_32_bits_stay_apart(tmp_path):
    close = np.array([[1, 0, 0], [1 + 1e-9, 0, 0], [1, 1, 0], [0, 0, 1.0]])
    faces = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]
    io.write_mesh(trimesh.Trimesh(close, faces, process=False), tmp_path / "a.ply")
    mesh = io.read(tmp_path / "a.ply")
    assert np.array_equal(mesh.vertices, close) and mesh.is_watertight


@pytest.mark.parametrize("extension", ["ply", "obj", "glb"])
def test_colors(tmp_path, ball, extension):
    colors = np.random.default_rng(0).integers(0, 256, (162, 4)).astype(np.uint8)
    colors[:, 3] = 255
    colored = trimesh.Trimesh(ball.vertices, ball.faces, process=False, vertex_colors=colors)
    io.write_mesh(colored, tmp_path / f"c.{extension}")
    mesh = io.read(tmp_path / f"c.{extension}")
    assert np.array_equal(mesh.visual.vertex_colors, colors)


@pytest.mark.parametrize("extension", ["ply", "xyz"])
def test_clouds(tmp_path, table, extension):
    io.write_cloud(Cloud(table, table), tmp_path / f"c.{extension}")
    cloud = io.read(tmp_path / f"c.{extension}")
    assert np.abs(cloud.points - table).max() < 1e-7 and np.abs(cloud.normals - table).max() < 1e-7


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.plyy", "perhaps you meant .ply"),
        ("out.gltf", "perhaps you meant .glb"),
        ("out.docx", "use one of .ply .obj .stl .off .glb"),
        ("out", "has no extension"),
        ("folder.ply", "is a folder"),
        ("file.txt/out.ply", "is a file, not a folder"),
        ("x" * 300 + ".ply", "cannot be written"),
        ("a\0b.ply", "cannot be written"),
    ],
)
def test_output_that_cannot_be(tmp_path, ball, name, words):
    (tmp_path / "folder.ply").mkdir()
    (tmp_path / "file.txt").write_text("kept")
    before = sorted(os.listdir(tmp_path))
    for attempt in (lambda: check_output(tmp_path / name), lambda: io.write_mesh(ball, tmp_path / name)):
        with pytest.raises(InputError) as caught:
            attempt()
        assert words in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "file.txt").read_text() == "kept"


def test_output_that_may_be_leaves_nothing_behind(tmp_path):
    assert check_output(tmp_path / "new" / "OUT.PLY") == tmp_path / "new" / "OUT.PLY"
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_output_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / "out.ply")
    tmp_path.chmod(0o700)


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "a.bin"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.bin"]
    (tmp_path / "link.bin").symlink_to(path)
    with atomic_write(tmp_path / "link.bin") as beside:
        beside.write_text("new")
    assert path.read_text() == "new" and (tmp_path / "link.bin").is_symlink()


def test_a_mesh_without_faces_is_not_written(tmp_path):
    with pytest.raises(InputError, match="no faces"):
        io.write_mesh(trimesh.Trimesh(process=False), tmp_path / "a.ply")
    assert os.listdir(tmp_path) == []
