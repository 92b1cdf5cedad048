"""From raw, open scans to a space without signs, and to closed meshes of scans that it has not seen."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import trimesh

from isofield import api
from isofield.cli.main import main

FEW = {
    "length": 4, "dims": [32, 32, 32, 32], "skip": [2], "norm_layers": [], "samples": 64, "direction": 0.1,
    "encoder": {"width": 16, "basis": 24, "points": 48},
    "augmentation": {"mirror": "x", "scale": 0.05, "turn": 5, "warps": 1},
    "training": {"steps": 250, "batch": 4, "keep": 100, "network_rate": {"initial": 4e-3, "kind": "cosine"}},
    "infer_samples": 256, "infer_steps": 40, "infer_polish": 10,
}  # fmt: skip
"""Settings for less work."""


def scan(radius: float, path) -> None:
    """An open scan of a ball: its cap is missing, its triangles are wound at random."""
    ball = trimesh.creation.icosphere(3, radius)
    random = np.random.default_rng(round(1000 * radius))
    faces = ball.faces[ball.triangles_center[:, 1] < 0.7 * radius]
    faces = np.where(random.random((len(faces), 1)) < 0.5, faces, faces[:, ::-1])
    vertices = ball.vertices + random.normal(0, 0.002, ball.vertices.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    trimesh.Trimesh(vertices, faces, process=False).export(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    for number, radius in enumerate(np.linspace(0.5, 0.9, 6)):
        scan(radius, folder / f"scans/subject_{number % 2}/walk/{number:05d}.ply")
    (folder / "few.yaml").write_text(json.dumps({"base": "sald-small", **FEW}))
    prepare = ["prepare", f"{folder}/scans", f"{folder}/data", "--samples", "unsigned", "surface", "--count", "4000"]
    assert main([*prepare, "--normalize", "dataset", "--points", "5000", "--no-progress"]) == 0
    train = ["train", "sald", f"{folder}/data", "-o", f"{folder}/run", "--config", f"{folder}/few.yaml"]
    assert main([*train, "--no-progress"]) == 0
    return folder / "run"


@pytest.mark.slow
def test_an_unseen_scan_becomes_a_closed_ball(run, tmp_path, capsys):
    scan(0.66, tmp_path / "new.ply")
    for by in ("encoder", "both", "lm"):
        out = tmp_path / by
        assert main(["infer", str(run), f"{tmp_path}/new.ply", "-o", str(out), "--by", by, "--no-progress"]) == 0
        mesh = trimesh.load(out / "new.ply")
        assert mesh.is_watertight and mesh.body_count == 1
        assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.66).mean() < 0.05
        (row,) = csv.DictReader((out / "report.csv").open())
        assert float(row["loss"]) < 0.05
    assert main(["infer", str(run), f"{tmp_path}/new.ply", "-o", f"{tmp_path}/r", "--refine", "--no-progress"]) == 0
    refined = trimesh.load(tmp_path / "r/new.ply")
    seen = refined.vertices[refined.vertices[:, 1] < 0.4]  # where the scan is
    assert np.abs(np.linalg.norm(seen, axis=1) - 0.66).mean() < 0.01


def test_a_scan_in_millimetres_is_found_by_a_search_for_its_pose(run, tmp_path, capsys):
    """The result lies as the scan does, in its units."""
    scan(0.66, tmp_path / "new.ply")
    mesh = trimesh.load(tmp_path / "new.ply", process=False)
    mesh.vertices = 1000 * mesh.vertices + [5000, 0, 0]
    mesh.export(tmp_path / "mm.ply")
    line = ["infer", str(run), f"{tmp_path}/mm.ply", "--max-rotation", "0", "--no-progress"]
    assert main([*line, "-o", f"{tmp_path}/out", "--pose", "similarity", "--by", "encoder"]) == 0
    found = trimesh.load(tmp_path / "out/mm.ply")
    assert np.abs(np.linalg.norm(found.vertices - [5000, 0, 0], axis=1) - 660).mean() < 60
    assert main([*line, "-o", f"{tmp_path}/same", "--by", "encoder"]) == 2
    assert "search for its place and unit with --pose similarity." in capsys.readouterr().err


def test_equal_names_keep_their_folders(run, tmp_path, capsys):
    """As all frames of D-FAUST are called."""
    paths = [tmp_path / f"scans/{subject}/walk/00000.ply" for subject in ("one", "two")]
    for path, radius in zip(paths, (0.6, 0.8), strict=True):
        scan(radius, path)
    line = ["infer", str(run), *map(str, paths), "-o", f"{tmp_path}/out", "--by", "encoder", "--resolution", "16"]
    assert main([*line, "--no-progress"]) == 0
    assert all((tmp_path / f"out/{subject}/walk/00000.ply").is_file() for subject in ("one", "two"))
    (tmp_path / "scans/one/walk/00000.obj").write_text("v 0 0 0\n")
    assert main([*line[:2], str(paths[0]), str(paths[0].with_suffix(".obj")), *line[-6:], "--no-progress"]) == 2
    assert "would both be called 00000: rename one" in capsys.readouterr().err


def test_points_without_faces_are_taken_and_said(run, tmp_path, capsys):
    scan(0.7, tmp_path / "mesh.ply")
    points = trimesh.sample.sample_surface(trimesh.load(tmp_path / "mesh.ply", process=False), 4000, seed=0)[0]
    np.savetxt(tmp_path / "cloud.xyz", points)
    assert main(["infer", str(run), f"{tmp_path}/cloud.xyz", "-o", f"{tmp_path}/out", "--no-progress"]) == 0
    assert "cloud.xyz has no faces: distances are to its points, not to triangles" in capsys.readouterr().err
    strays = np.random.default_rng(0).uniform(-1.5, 1.5, (1500, 3))
    np.savetxt(tmp_path / "strays.xyz", np.concatenate([points, strays]))
    assert main(["infer", str(run), f"{tmp_path}/strays.xyz", "-o", f"{tmp_path}/out", "--no-progress"]) == 0
    assert "of 5500 points are left out as outliers" in capsys.readouterr().err
    for name in ("cloud", "strays"):
        mesh = trimesh.load(tmp_path / f"out/{name}.ply")
        assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.7).mean() < 0.06


def test_what_this_space_cannot_do(run, tmp_path, capsys):
    scan(0.66, tmp_path / "new.ply")
    line = ["infer", str(run), f"{tmp_path}/new.ply", "-o", f"{tmp_path}/out", "--no-progress"]
    assert main([*line, "--by", "magic"]) == 2
    ways = "a sald space cannot infer codes by 'magic': choose among encoder, code, both, lm."
    assert ways in capsys.readouterr().err
    for setting, said in {
        "infer_steps": "'infer_steps' has no value: give NAME=VALUE.",
        "infer_step=4": "has no setting 'infer_step' of the inference, perhaps you meant 'infer_steps': it",
        "samples=4": "a sald space has no setting 'samples' of the inference",
        "infer_steps=-4": "infer_steps -4 is out of range: give at least 0.",
        "infer_steps=few": "infer_steps 'few': 'few' is not a number",
    }.items():
        assert main([*line, "--set", setting]) == 2
        assert said in capsys.readouterr().err
    np.savez(tmp_path / "signed.npz", pos=np.ones((4, 4)), neg=-np.ones((4, 4)))
    assert main(["infer", str(run), f"{tmp_path}/signed.npz", "-o", f"{tmp_path}/out", "--no-progress"]) == 2
    assert "has signed samples, and this space reads unsigned and surface ones" in capsys.readouterr().err
    assert main(["train", "sald", str(run.parent / "scans"), "-o", f"{tmp_path}/again", "--no-progress"]) == 2
    assert not (tmp_path / "again").exists() and not (tmp_path / "out").exists()


def test_data_of_other_samples_are_refused_with_the_command(run, tmp_path, capsys):
    prepare = ["prepare", str(run.parent / "scans"), f"{tmp_path}/data", "--samples", "unsigned", "--count", "100"]
    assert main([*prepare, "--points", "500", "--no-progress"]) == 0
    assert main(["train", "sald", f"{tmp_path}/data", "-o", f"{tmp_path}/run", "--no-progress"]) == 2
    assert "--samples unsigned surface" in capsys.readouterr().err


def test_settings_of_the_inference_are_changed_for_one_run(run, tmp_path):
    space = api.load_run(run)
    changed = space.with_inference({"infer_by": "code", "infer_steps": 3, "infer_relative": False})
    assert (changed.config.infer_steps, changed.config.infer_relative) == (3, False)
    assert changed.space.config.infer_steps == 3
    scan(0.66, tmp_path / "new.ply")
    line = ["infer", str(run), f"{tmp_path}/new.ply", "--resolution", "16", "--no-progress", "--by", "code", "-o"]
    for steps in (0, 3):
        given = f"infer_steps={steps}", "infer_rate=1e-3"
        assert main([*line, f"{tmp_path}/{steps}", "--set", *given]) == 0
    codes = [np.load(tmp_path / f"{steps}/codes.npz")["codes"] for steps in (0, 3)]
    assert 0 < np.abs(codes[0] - codes[1]).max() < 0.1
