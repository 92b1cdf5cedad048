"""`query`, `export`, and the other ways into and out of `fit` and `mesh`, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import isofield
from isofield import io
from isofield.cli.main import main
from isofield.types import Cloud
from refusing import refused

FAST = ["--quality", "fast", "--resolution", "48", "--no-progress"]
RADIUS = 3.0


def ball(count: int, seed: int) -> np.ndarray:
    unit = np.random.default_rng(seed).normal(size=(count, 3))
    return RADIUS * unit / np.linalg.norm(unit, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with the field `ball`, of two registered halves, one in axes of its own."""
    folder = tmp_path_factory.mktemp("fields")
    points = ball(2400, 0)
    colors = np.tile(np.array([200, 100, 50, 255], np.uint8), (len(points), 1))
    shift = np.eye(4)
    shift[:3, 3] = [10, 0, 0]
    left, right = points[:, 0] < 0.5, points[:, 0] > -0.5
    io.write_cloud(Cloud(points[left], None, colors[left]), folder / "left.ply")
    io.write_cloud(Cloud(points[right] - [10, 0, 0], None, colors[right]), folder / "right.ply")
    (folder / "poses.json").write_text(json.dumps({"left": np.eye(4).tolist(), "right": shift.tolist()}))
    inputs = [str(folder / name) for name in ("left.ply", "right.ply")]
    out = ["-o", str(folder / "ball"), "--merge", "--poses", str(folder / "poses.json")]
    assert main(["fit", *inputs, *out, *FAST]) == 0
    return folder


def test_merged_scans_are_one_closed_shape_with_their_colours(work):
    mesh = trimesh.load(work / "ball" / "mesh.ply", process=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)
    assert np.abs(mesh.visual.vertex_colors[:, :3].astype(int) - [200, 100, 50]).max() <= 1


def test_query(work, capsys):
    # not at the centre: distances have a kink there, which cells round
    x = np.array([[1, 0, 0], [0, 0, 5.0], [0, 4, 0]])
    np.save(work / "x.npy", x)
    out = ["-o", str(work / "d.npz"), "--normals", "--projections", "--json"]
    assert main(["query", str(work / "ball"), str(work / "x.npy"), *out]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["points"], figures["inside"]) == (3, 1)
    found = np.load(work / "d.npz")
    assert np.allclose(found["distances"], [-2, 2, 1], atol=0.15)
    assert np.allclose(found["normals"][1:], [[0, 0, 1], [0, 1, 0]], atol=0.1)
    assert np.allclose(found["projections"][1:], [[0, 0, 3], [0, 3, 0]], atol=0.25)


def test_a_slice_is_a_picture_of_the_distances(work, capsys):
    out = work / "slice.png"
    assert main(["query", str(work / "ball"), "--slice", "z=1.8", "-o", str(out), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["plane"] == "z = 1.8" and figures["least"] == pytest.approx(1.8 - RADIUS, abs=0.15)
    with Image.open(out) as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)
    rows, columns = np.nonzero(shown.max(2) < 110)  # the line of the surface, a circle of radius 2.4
    sdf = isofield.load(work / "ball")
    low, high = sdf.similarity.invert(np.array([sdf.lower, sdf.upper]))
    cell = ((high - low)[0] + 0.2 * (high - low).max()) / shown.shape[1]
    assert np.ptp(rows) * cell == pytest.approx(4.8, rel=0.04) and np.ptp(columns) * cell == pytest.approx(
        4.8, rel=0.04
    )


def test_export_of_samples(work):
    assert main(["export", str(work / "ball"), "-o", str(work / "s.npz"), "--resolution", "16"]) == 0
    assert np.load(work / "s.npz")["values"].shape == (17, 17, 17)


def test_fewer_faces_and_an_open_mesh(work):
    assert main(["mesh", str(work / "ball"), "-o", str(work / "few.ply"), "--faces", "500"]) == 0
    few = trimesh.load(work / "few.ply", process=False)
    assert few.is_watertight
    assert len(few.faces) <= 500
    assert main(["mesh", str(work / "ball"), "-o", str(work / "all.ply"), "--trim", "5", "--confidence"]) == 0
    raw = trimesh.load(work / "all.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    assert 0 <= raw["distance_to_points"].min() < raw["distance_to_points"].max() < 1


BROKEN = {
    "query none x.npy -o d.csv": "there is no folder none",
    "query ball none.npy -o d.csv": "there is no file none.npy",
    "query ball -o d.csv": "at POINTS or drawn in the plane of --slice: give one of them",
    "query ball x.npy --slice z -o d.png": "at POINTS or drawn in the plane of --slice: give one of them",
    "query ball --slice w=1 -o d.png": "--slice w=1 is not a plane: give x, y or z",
    "query ball --slice z=nan -o d.png": "--slice z=nan is not a plane",
    "query ball --slice z --normals -o d.png": "--slice draws distances alone",
    "query ball --slice z -o d.csv": "d.csv has the extension .csv, which isofield cannot write",
    "query ball x.npy -o d.txt": "d.txt has the extension .txt, which isofield cannot write",
    "export ball -o f.onnx": "f.onnx cannot represent this field",
    "export ball -o f.obj": "f.obj has the extension .obj, which isofield cannot write",
    "export ball -o f.npz --resolution 4": "resolution 4 is not possible",
    "mesh ball -o m.ply --faces 3": "3 faces cannot represent a shape",
    "mesh ball -o m.ply --trim -1": "trim -1 is not a distance",
    "mesh ball -o m.ply --trim 1e-9": "leaves nothing",
    "fit left.ply right.ply -o m.ply": "or --merge the scans of one shape",
    "fit left.ply -o m.ply --poses poses.json": "give --merge with it",
    "fit left.ply -o m.stl --confidence": "m.stl cannot hold what --confidence writes",
    "mesh ball -o m.obj --confidence": "m.obj cannot hold the values of --confidence",
    "fit left.ply right.ply --merge --poses none.json -o m.ply": "there is no file none.json of poses",
    "fit left.ply x.npy --merge --poses poses.json -o m.ply": "x.npy has no pose: add one called 'x'",
    "fit d.png -o m.ply": "it is a PNG picture: give the shape itself; a depth image goes with its camera",
    "fit d.png --camera none.json -o m.ply": "there is no file none.json of cameras",
    "fit d.png --camera poses.json -o m.ply": "poses.json has no K (3 x 3) for the depth image 'd'",
    "fit d.png --camera camera.json -o m.ply": "d.png cannot be read as an image",
    "fit d.png --camera camera.json --merge -o m.ply": "leave --merge and --poses out",
    "fit left.ply -o m.ply --method igr --network grid": "--network cannot be 'grid', perhaps you meant 'hashgrid'",
    "fit left.ply -o m.ply --network mlp": "network 'mlp' is for methods that learn a network",
    "fit left.ply -o m.ply --method sdf-regression": (
        "left.ply holds only points, and method sdf-regression needs a closed mesh"
    ),
}


@pytest.mark.parametrize("line", BROKEN)
def test_broken_input_is_one_sentence_and_nothing_is_written(work, line, capsys, monkeypatch):
    monkeypatch.chdir(work)
    np.save("x.npy", np.zeros((3, 3)))
    Path("d.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("camera.json").write_text(json.dumps({"K": np.eye(3).tolist(), "pose": np.eye(4).tolist()}))
    refused(line.split(), work, BROKEN[line], capsys)


def test_a_field_that_is_not_there(tmp_path, capsys):
    assert main(["mesh", "NOSUCH", "-o", str(tmp_path / "x.ply")]) == 2
    said = "error: there is no folder NOSUCH: give the folder of a field, which `isofield fit --field` writes.\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "x.ply").exists()
