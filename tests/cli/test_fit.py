"""`isofield fit`, and what is made of its results, end to end on small clouds."""

from __future__ import annotations

import builtins
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield import render
from isofield.cli.fit import Fit, Job
from isofield.cli.main import main
from isofield.cli.many_fits import fingerprint
from isofield.configs import Ssd
from isofield.render import camera_for

FAST = ["--method", "ssd", "--quality", "fast", "--resolution", "64"]


def torus(count: int) -> np.ndarray:
    """Points (count, 3) on a torus of radii 1000 and 400."""
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, count))
    ring = 1000 + 400 * np.cos(v)
    return np.stack([ring * np.cos(u), ring * np.sin(u), 400 * np.sin(v)], axis=1)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_of_field_mesh_and_preview(here, capsys):
    points = torus(2000)
    points[:3] = np.nan
    np.save("ring ü.npy", points)
    assert main(["fit", "ring ü.npy", "-o", "statue", "--preview", "shown/p.png", "--json", *FAST]) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    assert "warning: ring ü.npy" in captured.err
    assert figures["watertight"] and figures["problems"] == [] and not figures["interrupted"]
    assert figures["volume"] == pytest.approx(2 * np.pi**2 * 1000 * 400**2, rel=0.03)
    assert 0 < figures["median"] < figures["p95"] < 60
    assert figures["files"] == ["statue/mesh.ply", "statue/", "shown/p.png"]
    assert {"reading", "neighbours", "orientation", "denoising", "extraction", "checking", "writing"} <= set(
        figures["stages"]
    )
    assert sum(stage.startswith("level of ") for stage in figures["stages"]) == 4
    whole = sum(stage["seconds"] for stage in figures["stages"].values())
    assert whole == pytest.approx(figures["seconds"], abs=0.05)
    assert {path.name for path in Path("statue").iterdir()} == {"config.json", "field.safetensors", "mesh.ply"}
    assert Path("shown/p.png").read_bytes().startswith(b"\x89PNG")
    assert figures["next"].startswith("isofield mesh statue -o ")

    # The field folder says what it is, and gives its mesh again.
    assert main(["info", "statue"]) == 0
    assert "field folder (grid)" in capsys.readouterr().out
    assert main(["info", "statue", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"]["input"] == "ring ü.npy"
    assert main(["mesh", "statue", "-o", "grown.obj", "--resolution", "48", "--level", "50"]) == 0
    assert "watertight" in capsys.readouterr().err
    grown = trimesh.load("grown.obj", force="mesh")
    assert grown.volume == pytest.approx(2 * np.pi**2 * 1000 * 450**2, rel=0.05)
    assert main(["mesh", "statue", "-o", "none.ply", "--level", "-100000"]) == 2
    assert not Path("none.ply").exists()


def test_the_input_is_read_once(here, monkeypatch):
    np.save("ring.npy", torus(2000))
    opened = []

    def counting(path, *arguments, **options):
        opened.append(str(path))
        return opening(path, *arguments, **options)

    opening = io.open
    monkeypatch.setattr(io, "open", counting)
    monkeypatch.setattr(builtins, "open", counting)
    assert main(["fit", "ring.npy", "-o", "ring", *FAST]) == 0
    assert [Path(path).name for path in opened].count("ring.npy") == 1
    digest = hashlib.sha256(Path("ring.npy").read_bytes()).hexdigest()
    assert digest in Path("ring/config.json").read_text()


def test_the_preview_has_the_colours_of_the_points_and_shows_what_was_observed(here, monkeypatch):
    """A torus, red at x > 0, of which a sector around -x was not scanned."""
    points = torus(6000)
    points = points[np.abs(np.arctan2(points[:, 1], -points[:, 0])) > 0.5]
    red = points[:, 0] > 0
    colors = np.where(red[:, None], [220, 20, 20, 255], [120, 120, 120, 255]).astype(np.uint8)
    trimesh.PointCloud(points, colors=colors).export("ring.ply")
    given = []
    monkeypatch.setattr(
        render, "camera_for", lambda mesh, **options: given.append((mesh, options)) or camera_for(mesh, **options)
    )
    assert main(["fit", "ring.ply", "-o", "mesh.ply", "--preview", "p.png", *FAST]) == 0
    pixels = np.asarray(Image.open("p.png").convert("RGB"), np.int64)
    left = pixels[:, : pixels.shape[1] // 2]
    reddish = (left[..., 0] > 1.5 * left[..., 1:].max(-1)).sum()
    drawn = (np.abs(left - left[0, 0]).max(-1) > 20).sum()
    assert 0.25 * drawn < reddish < 0.75 * drawn
    mesh, options = given[-1]
    seen, gap = options["observed"], np.abs(np.arctan2(mesh.vertices[:, 1], -mesh.vertices[:, 0])) < 0.3
    assert seen[~gap & (mesh.vertices[:, 0] > 0)].mean() > 0.99 and seen[gap].mean() < 0.3


def test_a_tube_whose_ends_are_closed_is_reported_as_closed(here, capsys):
    tube = trimesh.creation.cylinder(1, 2, sections=24)
    tube.update_faces(np.abs(tube.face_normals[:, 2]) < 0.5)
    tube.export("tube.ply")
    for options, closed in (([], ""), (["--close-holes", "3"], "; the mesh is closed by --close-holes")):
        assert main(["fit", "tube.ply", "-o", "mesh.ply", "--json", *options]) == 0
        figures = json.loads(capsys.readouterr().out)
        assert figures["surface"] == "open: 100 % of the area encloses nothing" + closed
        assert figures["watertight"] == bool(closed)


def test_an_object_without_its_table_and_stray_parts(here, capsys):
    table = trimesh.creation.box((6, 6, 0)).subdivide().subdivide().subdivide()
    table.update_faces(table.face_normals[:, 2] > 0.5)
    ball, stray = trimesh.creation.icosphere(3), trimesh.creation.icosphere(2, 0.2)
    ball.apply_translation([0, 0, 1.2])
    stray.apply_translation([2, 0, 1])
    trimesh.util.concatenate([table, ball, stray]).export("scene.ply")
    assert main(["fit", "scene.ply", "-o", "field", "--drop-floor", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["floor"] == pytest.approx(128 / (128 + 1280 + 320)) and figures["components"] == 2
    assert main(["mesh", "field", "-o", "ball.ply", "--largest"]) == 0
    assert "components dropped" in capsys.readouterr().err
    assert trimesh.load("ball.ply").volume == pytest.approx(ball.volume, rel=1e-4)


def test_several_inputs_continue_after_a_failing_one(here, capsys):
    Path("scans/b").mkdir(parents=True)
    np.save("scans/few.npy", torus(50))
    np.save("scans/b/ring.npy", torus(1000))
    assert main(["fit", "scans/few.npy", "scans/b/ring.npy", "-o", "out", "--field", "fields", *FAST]) == 2
    error = capsys.readouterr().err
    assert "few.npy has 50 points" in error
    assert "1 of 2 inputs could not be fitted: scans/few.npy" in error
    assert [path.as_posix() for path in Path("out").rglob("*.ply")] == ["out/ring.ply"]
    assert Path("fields/ring/config.json").is_file()
    assert trimesh.load("out/ring.ply").is_watertight


SMALL = ["--method", "ssd", "--cells", "24", "--levels", "2", "--further", "0", "--resolution", "24"]


def test_two_processes_write_what_one_writes_and_what_is_there_stays(here, capsys):
    names = ["a.npy", "b.npy", "few.npy"]
    for number, name in enumerate(names):
        np.save(name, torus(1000) * (1 + number))
    np.save("few.npy", torus(50))
    assert main(["fit", *names[:2], "-o", "one", *SMALL]) == 0
    assert main(["fit", *names, "-o", "two", "--workers", "2", "--json", *SMALL]) == 2
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    assert [Path(row["input"]).name for row in figures] == names
    assert figures[2]["error"].startswith("few.npy has 50 points")
    assert figures[1]["volume"] == pytest.approx(8 * figures[0]["volume"], rel=0.02)
    for name in ("a.ply", "b.ply"):
        assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes()

    whole, kept = Path("two/b.ply").read_bytes(), Path("two/a.ply").stat().st_mtime_ns
    for damage in (Path.unlink, lambda path: path.write_text("garbage")):
        damage(Path("two/b.ply"))
        assert main(["fit", *names[:2], "-o", "two", "--json", *SMALL]) == 0
        captured = capsys.readouterr()
        assert "1 of 2 inputs are fitted already" in captured.err
        assert Path("two/b.ply").read_bytes() == whole and Path("two/a.ply").stat().st_mtime_ns == kept
        assert json.loads(captured.out)[0]["volume"] == figures[0]["volume"]


def test_a_thin_plate_in_few_points_has_more_handles_than_the_shape(here, capsys):
    plate = trimesh.sample.sample_surface(trimesh.creation.box((100, 100, 1)), 2000, seed=1)[0]
    np.save("plate.npy", plate)
    assert main(["fit", "plate.npy", "-o", "plate.ply", "--json"]) == 0
    captured = capsys.readouterr()
    handles = json.loads(captured.out)["genus"]
    assert handles > 8 and f"plate.npy: the mesh has {handles} handles, and walls of 0." in captured.err


def test_other_options_and_other_bytes_are_another_fit(here):
    np.save("a.npy", torus(100))
    np.save("b.npy", torus(100))
    options = Fit(inputs=(Path("a.npy"),), out="out", settings=Ssd())
    job = Job(Path("a.npy"), "a", Path("out/a.ply"))
    first = fingerprint(job, options)
    assert first == fingerprint(replace(job, source=Path("b.npy")), replace(options, workers=3, progress=False))
    np.save("b.npy", torus(101))
    assert first != fingerprint(replace(job, source=Path("b.npy")), options)
    for other in (replace(options, settings=Ssd(cells=64)), replace(options, faces=100), replace(options, seed=1)):
        assert fingerprint(job, other) != first


def test_a_name_in_another_encoding_is_fitted_and_kept(here):
    names = [os.fsdecode(b"St\xfchle.npy"), "a.npy"]
    for name in names:
        np.save(name, torus(1000))
    for already in (False, True):
        command = [sys.executable, "-m", "isofield", "fit", *names, "-o", "out", "--json", *SMALL]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)) == 2
        assert ("2 of 2 inputs are fitted already" in done.stderr) == already


def test_a_file_that_may_not_be_read_does_not_stop_the_others(here, capsys, monkeypatch):
    np.save("a.npy", torus(1000))
    np.save("locked.npy", torus(1000))
    read_bytes = Path.read_bytes

    def refuse(path):
        if path.name == "locked.npy":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    main(["fit", "a.npy", "locked.npy", "-o", "out", *SMALL])
    assert Path("out/a.ply").is_file()
    assert "unexpectedly" not in capsys.readouterr().err


def test_no_workers_are_a_sentence(here, capsys):
    assert main(["fit", "a.npy", "b.npy", "-o", "out", "--workers", "0"]) == 2
    assert "--workers must be at least 1, not 0." in capsys.readouterr().err


def test_the_first_interrupt_writes_the_best_so_far(here):
    np.save("ring.npy", torus(20_000))
    command = [sys.executable, "-m", "isofield", "fit", "ring.npy", "-o", "out.ply", "--quality", "best"]
    process = subprocess.Popen([*command, "--resolution", "48"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "solving" in line:  # from here on there is a field
            process.send_signal(signal.SIGINT)
            break
    said += process.stderr.read()
    assert process.wait() == 0, said
    assert "ring.npy: interrupted; writing the best result so far" in said
    assert trimesh.load("out.ply").is_watertight
