"""`complete`, `interpolate`, `sample` and `infer --pose`, through the real command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

import toys
from isofield import io, render
from isofield.cli.infer import _few_steps
from isofield.cli.main import main
from isofield.configs import NeuralPullSpace
from isofield.types import Cloud
from refusing import refused

QUIET = ["--no-progress", "--resolution", "32"]


@pytest.fixture(scope="module")
def work(tmp_path_factory, toy_run) -> Path:
    """A folder with the run, a depth image and its camera, its points, and the whole shape."""
    folder = tmp_path_factory.mktemp("spaces")
    (folder / "run").symlink_to(toy_run)
    truth = toys.toy(toys.COUNT + 1)
    view = render.depth(truth, render.frame(np.asarray(truth.vertices), view=(30, 15), size=(96, 96))).view()
    np.save(folder / "depth.npy", view.depth)
    camera = {"K": view.intrinsics.tolist(), "pose": view.pose.tolist()}
    (folder / "camera.json").write_text(json.dumps(camera))
    cloud = io.cloud_of([view])
    io.write_cloud(cloud, folder / "part.ply")
    io.write_cloud(Cloud(cloud.points + 50, cloud.normals), folder / "far.ply")
    io.write_cloud(Cloud(cloud.points[:5]), folder / "few.ply")
    io.write_mesh(truth, folder / "whole.ply")
    (folder / "data").mkdir()
    (folder / "data/settings.json").write_text('{"format": 1, "layout": "meshes", "samples": ["signed"]}')
    return folder


def test_complete_a_depth_image_and_a_cloud(work, capsys):
    out = str(work / "whole-again.ply")
    depth = [str(work / "depth.npy"), "--camera", str(work / "camera.json"), "--background"]
    assert main(["complete", str(work / "run"), *depth, "-o", out, *QUIET, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["files"] == [out] and figures["watertight"]
    truth = io.read(work / "whole.ply")
    assert np.abs(io.read(out).bounds - truth.bounds).max() < 0.1
    several = ["--samples", "2", "--refine", "-o", str(work / "many")]
    assert main(["complete", str(work / "run"), str(work / "part.ply"), *several, *QUIET]) == 0
    assert {path.name for path in (work / "many").iterdir()} == {"part.ply", "part-1.ply", "codes.npz", "report.csv"}
    codes = np.load(work / "many" / "codes.npz")
    assert codes["ids"].tolist() == ["part", "part-1"]
    assert not np.array_equal(*codes["codes"])


def test_interpolate(work, capsys):
    out = work / "way"
    ends = ["toy/000", str(work / "whole.ply")]
    assert main(["interpolate", str(work / "run"), *ends, "-o", str(out), "--steps", "3", *QUIET]) == 0
    assert {path.name for path in out.iterdir()} == {
        "000.ply",
        "001.ply",
        "002.ply",
        "codes.npz",
        "report.csv",
        "way.gif",
    }
    codes = np.load(out / "codes.npz")["codes"]
    assert np.allclose(codes[1], (codes[0] + codes[2]) / 2, atol=1e-5)
    from PIL import Image

    with Image.open(out / "way.gif") as moving:
        assert moving.n_frames == 4  # there and back
    extents = [trimesh.load(out / f"{k:03d}.ply", process=False).extents for k in range(3)]
    assert np.abs(extents[1] - (extents[0] + extents[2]) / 2).max() < 0.1


def test_sample(work):
    out = work / "new"
    command = ["sample", str(work / "run"), "-n", "3", "--seed", "4", *QUIET]
    assert main([*command, "-o", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        "000.ply",
        "001.ply",
        "002.ply",
        "codes.npz",
        "report.csv",
        "shapes.png",
    }
    for number in range(3):
        mesh = trimesh.load(out / f"{number:03d}.ply", process=False)
        assert mesh.is_watertight
        assert mesh.body_count == 1
    assert main(["sample", str(work / "run"), "-n", "1", "--seed", "4", *QUIET, "-o", str(work / "one")]) == 0
    assert np.array_equal(np.load(work / "one" / "codes.npz")["codes"][0], np.load(out / "codes.npz")["codes"][0])


def test_infer_with_a_pose_tells_it(work):
    mesh = io.read(work / "whole.ply")
    turn = trimesh.transformations.rotation_matrix(0.4, [0, 0, 1])
    mesh.apply_transform(turn)
    io.write_mesh(mesh, work / "turned.ply")
    out, pose = work / "posed", ["--pose", "similarity", "--max-rotation", "30"]
    assert main(["infer", str(work / "run"), str(work / "turned.ply"), *pose, "-o", str(out), *QUIET]) == 0
    with (out / "report.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["rotation"]) == pytest.approx(np.degrees(0.4), abs=5)
    matrix = np.load(out / "codes.npz")["pose"][0]
    assert matrix[0, 0] == pytest.approx(float(row["pose_00"]))
    assert np.abs(io.read(out / "turned.ply").bounds - mesh.bounds).max() < 0.06  # as the input stands


def test_shapes_that_the_space_does_not_hold_are_told(work, capsys):
    io.write_mesh(trimesh.creation.box((1, 0.1, 0.1)), work / "bar.ply")
    out, line = work / "far", ["infer", str(work / "run"), str(work / "whole.ply"), "-o", str(work / "far"), *QUIET]
    assert main(line) == 0
    assert "than these are from each other" not in capsys.readouterr().err
    line[2] = str(work / "bar.ply")
    assert main([*line, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["far"] == ["bar"]
    assert "bar: much farther from the training shapes" in told.err and "--pose rigid" in told.err
    assert f"{out} still holds older meshes, which are not in codes.npz: whole.ply." in told.err


@pytest.fixture(scope="module")
def empty(work, toy_space) -> Path:
    """Samples of nothing: the code that they are solved for has no surface."""
    x = np.random.default_rng(0).uniform(-1, 1, (8000, 3)).astype(np.float32)
    rows = np.column_stack([x, np.full(len(x), 0.3, np.float32)])
    np.savez(work / "empty.npz", pos=rows, neg=np.float32([[0, 0, 0, -1e-6]]))
    return work / "empty.npz"


def test_one_bad_input_does_not_end_the_others(work, empty, tmp_path, capsys):
    io.write_mesh(io.read(work / "whole.ply"), tmp_path / "in" / "whole.ply")
    damaged = (tmp_path / "in" / "whole.ply").read_bytes()
    (tmp_path / "in" / "cut.ply").write_bytes(damaged[: len(damaged) // 2])
    line = ["infer", str(work / "run"), str(tmp_path / "in"), str(empty), "-o", str(tmp_path / "out"), *QUIET]
    assert main([*line, "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["failed"] == ["empty", "cut"]
    assert "empty: the field of its code has no surface." in said.err and "cut.ply" in said.err
    with (tmp_path / "out" / "report.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["whole"]["error"] == "" and rows["whole"]["watertight"] == "True"
    assert rows["empty"]["error"] == "the field of its code has no surface" and rows["empty"]["mesh"] == ""
    assert "cut.ply" in rows["cut"]["error"] and rows["cut"]["loss"] == ""
    codes = np.load(tmp_path / "out" / "codes.npz")
    assert codes["ids"].tolist() == ["whole", "empty"] and len(codes["codes"]) == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "whole.ply",
        "codes.npz",
        "report.csv",
        "timing.csv",
    }
    refused(
        ["infer", str(work / "run"), str(tmp_path / "in" / "cut.ply"), "-o", str(tmp_path / "no")], work, "cut", capsys
    )


def test_no_surface_at_all(work, empty, toy_space, tmp_path, capsys):
    """The next command needs no mesh; a space that was learned in steps may be trained longer."""
    toy_space.save(tmp_path / "run")
    line = ["infer", str(tmp_path / "run"), str(empty), "-o", str(tmp_path / "out"), *QUIET]
    assert main(line) == 1
    solved = capsys.readouterr().err
    assert f"next: isofield info {tmp_path / 'run'}" in solved and "hardly trained" not in solved
    (tmp_path / "run" / "log.jsonl").touch()
    assert main(line) == 1
    told = capsys.readouterr().err
    assert f"the space is hardly trained (its losses are in {tmp_path / 'run' / 'log.jsonl'}); train longer." in told
    assert "evaluate" not in told and "--pose" not in told


def test_a_poor_fit_has_a_remedy_and_an_unfinished_training_is_the_first(toy_space, tmp_path, capsys):
    trimesh.creation.box((1, 0.1, 0.1)).export(tmp_path / "rod.ply")
    pulled = replace(toy_space, method="neural-pull", config=NeuralPullSpace(), provenance={"steps": "1199 of 1199"})
    assert _few_steps(pulled) == "it was trained for 1199 steps, and the default is 12000"
    assert not _few_steps(replace(pulled, provenance={"steps": "1200 of 1200"}))
    for steps, remedy in (
        ("60 of 60", "--pose rigid searches"),
        ("51 of 60", "ended after 51 of 60 steps, and --resume"),
    ):
        space = replace(toy_space, provenance={**toy_space.provenance, "steps": steps})
        space.save(tmp_path / "run")
        assert (
            main(["infer", str(tmp_path / "run"), str(tmp_path / "rod.ply"), "-o", str(tmp_path / "out"), *QUIET]) == 0
        )
        said = capsys.readouterr().err
        assert "rod: the field misses a part of the input" in said and remedy in said


def test_a_code_without_a_surface_between_others(work, empty, capsys):
    out = work / "way-to-nothing"
    line = ["interpolate", str(work / "run"), "toy/000", str(empty), "-o", str(out), "--steps", "3", *QUIET]
    assert main(line) == 1
    assert "002: the field of its code has no surface." in capsys.readouterr().err
    with (out / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["000", "001", "002"]
    assert rows[0]["error"] == "" and rows[2]["error"] != ""
    assert len(np.load(out / "codes.npz")["codes"]) == 3
    assert (out / "way.gif").is_file() and not (out / "002.ply").exists()


BROKEN = {
    "complete run depth.npy -o o.ply": "depth.npy is a picture, and a depth image needs its camera",
    "complete run d.png -o o.ply": "a depth image needs its camera: give --camera FILE.json",
    "complete run far.ply -o o.ply": "is not in the frame of this space",
    "complete run few.ply -o o.ply": "few has 5",
    "complete run part.ply -o o.ply --samples 2": "let --out name a folder",
    "complete run part.ply -o o.ply --samples 0": "--samples must be at least 1, not 0",
    "complete run part.ply -o o.ply --scale 2": "--center and --scale belong together",
    "complete run part.ply -o o.ply --background": "give --camera with it",
    "complete run part.ply -o o.ply --eta 3": "eta 3 is out of range",
    "complete run part.ply -o o.xyz": "o.xyz has the extension .xyz",
    "complete run part.ply -o o.ply --pose rigid --max-rotation 270": "--max-rotation 270 is out of range",
    "complete none part.ply -o o.ply": "there is no folder none: give the folder that `isofield train` wrote.",
    "infer run whole.ply -o data": "data holds prepared data: choose another folder for the results.",
    "train linear data -o data": "data holds prepared data: choose another folder for the results.",
    "infer . whole.ply -o o": "(it has no config.json): give the folder that `isofield train` wrote.",
    "interpolate run toy/000 toy/0001 -o way2": "'toy/0001' is neither a training shape of this space, perhaps",
    "interpolate run toy/000 toy/001 -o way2 --steps 1": "--steps must be at least 2, not 1",
    "sample run -n 0 -o new2": "--count must be at least 1, not 0",
    "sample run -n 2 -o new2 --spread 9": "--spread 9 is out of range",
    "infer run whole.ply -o o --pose stiff": "--pose cannot be 'stiff'; choose among rigid, similarity",
}


@pytest.mark.parametrize("line", BROKEN)
def test_broken_input_is_one_sentence_and_nothing_is_written(work, line, capsys, monkeypatch):
    monkeypatch.chdir(work)
    Path("d.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    refused([*line.split(), "--no-progress"], work, BROKEN[line], capsys)
