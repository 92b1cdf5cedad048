"""Many shapes into samples: order, workers and interruptions change no byte, and nothing is lost in silence."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.cli.main import main
from isofield.configs import PrepareConfig
from isofield.datasets import Prepared, find, ids_of, make_split, prepare, write_deepsdf, write_lists
from isofield.errors import InputError
from isofield.files import PARTIAL

SMALL = PrepareConfig(count=4000, points=4000)


def fill(folder: Path) -> Path:
    """Balls and boxes of two classes, an open sheet, and a file that is cut."""
    for label, make in (("ball", trimesh.creation.icosphere), ("box", trimesh.creation.box)):
        (folder / label).mkdir(parents=True)
        for k in range(3):
            make().apply_scale(1 + k).apply_translation([k, 0, 0]).export(folder / label / f"{k}.ply")
    (folder / "odd").mkdir()
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]]).export(
        folder / "odd/sheet.ply"
    )
    (folder / "odd/cut.ply").write_bytes((folder / "ball/0.ply").read_bytes()[:3000])
    return folder


def digest(folder: Path) -> dict[str, str]:
    """Of every array, by its place."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.npy"))
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def ready(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "data"
    return out, prepare(source, out, SMALL, workers=1)


def test_every_shape_has_its_outcome(ready):
    out, records = ready
    outcome = {record.id: record.outcome for record in records}
    assert outcome == {
        "ball/0": "accept", "ball/1": "accept", "ball/2": "accept", "box/0": "accept", "box/1": "accept",
        "box/2": "accept", "odd/cut": "reject", "odd/sheet": "repair",
    }  # fmt: skip
    assert "is cut short" in next(record.reason for record in records if record.id == "odd/cut")
    with (out / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [record.id for record in records]
    assert list(rows[0])[:4] == ["id", "outcome", "reason", "class"]
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64") == 7
    assert "odd/cut" in page


def test_samples_are_those_of_the_shape(ready):
    """In the normalised space a ball's distance is |x| - 1/1.03, whatever its size and place were."""
    data = Prepared(ready[0], count=4000)
    index = [record.id for record in data.records].index("ball/2")
    rows = data.slice(index, 0)
    assert rows.shape == (4000, 4)
    assert np.abs(np.linalg.norm(rows[:, :3], axis=1) - 1 / 1.03 - rows[:, 3]).max() < 0.02  # of an icosphere
    record = data.records[index]
    assert record.scale == pytest.approx(1 / 1.03 / 3)
    assert record.center == pytest.approx((2, 0, 0), abs=1e-6)


def test_slices_and_kinds(ready):
    data = Prepared(ready[0], count=100, ids=["box/1"])
    assert len(data) == 1
    assert data[0].shape == (100, 4)
    assert not np.array_equal(data[0], data[0])
    with pytest.raises(InputError, match="has no 'unsigned' samples, but signed: prepare"):
        Prepared(ready[0], "unsigned")
    with pytest.raises(InputError, match="no usable shapes called odd/cut"):
        Prepared(ready[0], ids=["odd/cut"])


def test_workers_change_no_byte(source, ready, tmp_path):
    prepare(source, tmp_path / "two", SMALL, workers=2)
    assert digest(tmp_path / "two") == digest(ready[0])
    assert (tmp_path / "two/manifest.json").read_bytes() == (ready[0] / "manifest.json").read_bytes()


@pytest.mark.slow
def test_killed_and_started_again_is_the_same(source, ready, tmp_path):
    """SIGKILL as soon as two shapes are there; what was half written is gone afterwards."""
    command = [sys.executable, "-m", "isofield", "prepare", str(source), str(tmp_path / "out"), "--count", "4000"]
    config = ["--workers", "1", "--no-progress"]
    process = subprocess.Popen([*command, *config], stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(list(tmp_path.glob("out/shapes/*/*/record.json"))) < 2:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (tmp_path / f"out/shapes/ball/{PARTIAL}left").mkdir(parents=True)
    done = subprocess.run([*command, *config], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob(f"{PARTIAL}*"))
    whole = tmp_path / "whole"
    assert main(["prepare", str(source), str(whole), "--count", "4000", "--no-progress"]) == 0
    assert digest(tmp_path / "out") == digest(whole)


@pytest.mark.slow
def test_interrupted_and_started_again_is_the_same(source, tmp_path):
    """Ctrl-C reaches all processes of the terminal; no shape is rejected for it."""
    command = [sys.executable, "-m", "isofield", "prepare", str(source), str(tmp_path / "out"), "--count", "400000"]
    config = ["--workers", "2", "--no-progress"]
    process = subprocess.Popen([*command, *config], stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not list(tmp_path.glob("out/shapes/*/*/record.json")):
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "Traceback" not in said and "the same command does the rest" in said
    records = [json.loads(path.read_text()) for path in tmp_path.glob("out/shapes/*/*/record.json")]
    assert all(record["outcome"] != "reject" or "cut short" in record["reason"] for record in records)
    assert subprocess.run([*command, *config], stderr=subprocess.DEVNULL, timeout=240).returncode == 0
    whole = tmp_path / "whole"
    assert main(["prepare", str(source), str(whole), "--count", "400000", "--no-progress"]) == 0
    assert digest(tmp_path / "out") == digest(whole)


def test_what_has_changed_is_prepared_again(tmp_path):
    """A mended file, another file of the same name, a damaged array: none is taken for done."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        trimesh.creation.box().export(tmp_path / f"in/{name}.ply")
    good = (tmp_path / "in/a.ply").read_bytes()
    (tmp_path / "in/a.ply").write_bytes(good[:300])
    first = prepare(tmp_path / "in", tmp_path / "out", SMALL)
    assert [record.outcome for record in first] == ["reject", "accept", "accept"]
    (tmp_path / "in/a.ply").write_bytes(good)
    trimesh.creation.icosphere(3).export(tmp_path / "in/b.ply")
    path = tmp_path / "out/shapes/c/signed.npy"
    before = path.read_bytes()
    path.write_bytes(before[:1000])
    with pytest.raises(InputError, match=r"c/signed.npy is damaged .*: run the same"):
        Prepared(tmp_path / "out", ids=["c"])[0]
    finished = []
    second = prepare(
        tmp_path / "in", tmp_path / "out", SMALL, progress=lambda done, of, record: finished.append(record.id)
    )
    assert sorted(finished) == ["a", "b", "c"]
    assert [record.outcome for record in second] == ["accept"] * 3
    assert second[1].files != first[1].files
    assert path.read_bytes() == before
    prepare(tmp_path / "in", tmp_path / "out", SMALL, progress=lambda done, of, record: finished.append(record.id))
    assert len(finished) == 3


def test_a_script_without_a_guard(tmp_path):
    (tmp_path / "in").mkdir()
    trimesh.creation.box().export(tmp_path / "in/a.ply")
    call = "isofield.prepare('in', 'out', isofield.PrepareConfig(count=99))"
    script = f"import isofield\nprint([record.outcome for record in {call}])\n"
    (tmp_path / "script.py").write_text(script)
    for command, given in ((["script.py"], None), (["-"], script.replace("'out'", "'other'"))):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, input=given, capture_output=True, text=True, timeout=120
        )
        assert done.stdout == "['accept']\n", done.stderr


def test_processes_that_load_draw_other_slices(ready):
    from torch.utils.data import DataLoader

    data = Prepared(ready[0], count=50, ids=["box/1"] * 4)
    loaded = DataLoader(data, num_workers=2)
    drawn = [tuple(rows[0, 0].tolist()) for _ in range(2) for rows in loaded]
    assert len(set(drawn)) == 8


def test_what_cannot_be_told_from_nothing_is_rejected(tmp_path):
    """One vertex far away: all the rest is a point beside it."""
    (tmp_path / "in").mkdir()
    ball = trimesh.creation.icosphere(3)
    ball.vertices[0] *= 1e6
    ball.export(tmp_path / "in/spike.ply")
    (record,) = prepare(tmp_path / "in", tmp_path / "out", SMALL)
    assert record.outcome == "reject"
    assert record.reason.startswith("thin: ")


def test_files_of_one_name_keep_their_extensions(tmp_path):
    for name in ("a.ply", "a.obj", "b.ply"):
        trimesh.creation.box().export(tmp_path / name)
    assert [entry.id for entry in find(tmp_path)[1]] == ["a.obj", "a.ply", "b"]


def test_a_shape_that_takes_too_long_is_rejected_and_the_others_go_on(tmp_path):
    (tmp_path / "in").mkdir()
    trimesh.creation.icosphere(7).export(tmp_path / "in/large.ply")
    trimesh.creation.box().export(tmp_path / "in/small.ply")
    config = PrepareConfig(count=3_000_000)
    outcome = {r.id: r for r in prepare(tmp_path / "in", tmp_path / "out", config, workers=1, timeout=0.05)}
    assert outcome["large"].outcome == "reject"
    assert outcome["large"].reason == "took longer than 0.05 seconds"
    assert (tmp_path / "out/manifest.json").is_file()


def test_other_settings_are_refused(source, ready):
    with pytest.raises(InputError, match=r"was begun with other settings \(count\)"):
        prepare(source, ready[0], PrepareConfig(count=5000, points=4000))


def test_all_kinds_and_half(source, tmp_path):
    kinds = ("signed", "unsigned", "cloud", "levelset", "occupancy", "surface")
    config = PrepareConfig(kinds, 500, points=2000, half=True)
    (tmp_path / "one.json").write_text('["box/1"]')
    prepare(source, tmp_path / "out", config, split=tmp_path / "one.json")
    columns = {"signed": 4, "unsigned": 7, "cloud": 6, "levelset": 4, "occupancy": 4, "surface": 6}
    for kind, width in columns.items():
        rows = np.load(tmp_path / f"out/shapes/box/1/{kind}.npy")
        assert rows.shape == (500, width)
        assert rows.dtype == np.float16
    rows = np.load(tmp_path / "out/shapes/box/1/signed.npy").astype(np.float64)
    half = 0.5 * 2 / 1.03 / np.sqrt(3)  # of the cube whose corners have that radius
    q = np.abs(rows[:, :3]) - half * 1.0
    true = np.linalg.norm(q.clip(0), axis=1) + np.minimum(q.max(1), 0)
    assert np.abs(rows[:, 3] - true).max() < 5e-4
    near = np.abs(true) < 0.1
    assert np.abs(rows[:, 3] - true)[near].max() < 1e-4
    level = np.load(tmp_path / "out/shapes/box/1/levelset.npy")[:, 3]
    assert (level[::2] == 0).all()
    assert (level[1::2] != 0).all()


def test_splits(source, tmp_path):
    entries = find(source)[1]
    parts = make_split(entries, {"train": 2 / 3, "test": 1 / 3}, seed=1)
    assert {label: len(ids) for label, ids in parts["train"].items()} == {"ball": 2, "box": 2, "odd": 1}
    ids = [i for table in parts.values() for found in table.values() for i in found]
    assert sorted(ids) == [entry.id for entry in entries]
    assert make_split(entries[::-1], {"train": 2 / 3, "test": 1 / 3}, seed=1) == parts
    few = {"train": 0.9, "valid": 0.05, "test": 0.05}  # of three shapes each part gets one
    assert [len(table["ball"]) for table in make_split(entries, few).values()] == [1, 1, 1]
    write_lists(source, parts)
    assert len((source / "ball/train.lst").read_text().split()) == 2
    found = prepare(source, tmp_path / "lists", SMALL, split=source / "box/test.lst")
    assert [record.id for record in found] == parts["test"]["box"]
    # DeepSDF's form names the data set and the class.
    (tmp_path / "deep.json").write_text(json.dumps({"Mine": {"box": ["0", "2"]}}))
    found = prepare(source, tmp_path / "out", SMALL, split=tmp_path / "deep.json")
    assert [record.id for record in found] == ["box/0", "box/2"]
    (tmp_path / "wrong.json").write_text(json.dumps({"Mine": {"box": ["7", "0"], "cone": ["1"]}}))
    with pytest.raises(InputError, match=r"names 2 ids that no shape has: box/7, cone/1, perhaps"):
        prepare(source, tmp_path / "no", SMALL, split=tmp_path / "wrong.json")
    (tmp_path / "wrong.txt").write_text("box/1.ply\nbox/2\n")
    with pytest.raises(InputError, match=r"an id that no shape has: box/1.ply, perhaps you meant 'box/1'\."):
        prepare(source, tmp_path / "no", SMALL, split=tmp_path / "wrong.txt")


def test_rejected_shapes_of_a_split_are_left_out_with_a_warning(ready, tmp_path):
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": {"odd": ["odd/cut", "odd/sheet"]}, "test": {"odd": ["odd/cut"]}}))
    with pytest.warns(UserWarning, match="1 of 2 shapes that .* names were rejected, and are left out: odd/cut"):
        assert ids_of(ready[0], split, "train") == ["odd/sheet"]
    with pytest.raises(InputError, match=r"all shapes that .* names were rejected: its report.csv says why"):
        ids_of(ready[0], split, "test")


def test_copies_are_named(tmp_path):
    for name in ("a.ply", "b.ply"):
        trimesh.creation.box((1, 1, 2)).export(tmp_path / name)
    trimesh.creation.box((1, 1.5, 2)).export(tmp_path / "c.ply")
    with pytest.warns(UserWarning, match=r"1 of 3 shapes are copies \(b of a\)"):
        prepare(tmp_path, tmp_path / "out", SMALL, workers=1)


LINES = {
    "prepare nothing out": "there is no folder nothing",
    "prepare bad.json out": "bad.json is a file: give the folder that holds the shapes.",
    "prepare empty out": "empty holds no shapes",
    "prepare in full": "full holds other files",
    "prepare in out --count 0": "count 0 is out of range: give at least 1.",
    "prepare in out --thickness 2": "thickness must be at least 0 and below 0.5",
    "prepare in out --variances 0.005 0": "variances must be numbers above 0, not 0.005 0.",
    "prepare in out --workers 0": "workers must be at least 1, not 0.",
    "prepare in out --seed -1": "seed -1 is out of range",
    "prepare in out --near 1.5": "near must be a fraction from 0 to 1, not 1.5.",
    "prepare in out --max-sheets 2": "max-sheets must be a fraction from 0 to 1, not 2.",
    "prepare in out --split none.json": "there is no split none.json",
    "prepare in out --split bad.json": "bad.json is not a split",
    "prepare twins out": "would have the same id",
    "prepare nested out": "has the name of the folder of",
    "prepare in out --split empty.json": "empty.json names no shapes",
    "split in -o out.json --train 2": "--train must be a fraction between 0 and 1, not 2.",
}


@pytest.mark.parametrize("line", LINES)
def test_broken_input_is_one_sentence(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("in", "empty", "full", "twins"):
        Path(name).mkdir()
    trimesh.creation.box().export("in/a.ply")
    Path("full/something").write_text("")
    Path("bad.json").write_text('{"a": {"b": {"c": []}}}')
    Path("empty.json").write_text("[]")
    Path("nested/a").mkdir(parents=True)
    for name in ("nested/a.ply", "nested/a/b.ply"):
        trimesh.creation.box().export(name)
    for name in ("a.ply", "A.ply"):
        trimesh.creation.box().export(f"twins/{name}")
    assert main(line.split()) == 2
    said = capsys.readouterr().err.strip()
    assert LINES[line] in said
    assert said.count("\n") == 0
    assert not Path("out/manifest.json").exists()


def test_bands_are_as_wide_as_asked(source, tmp_path):
    """Of 94 % that deviate by 0.02, 95.45 % are nearer than twice that, and so is a shell's share of the cube."""
    (tmp_path / "one.json").write_text('["ball/1"]')
    line = ["prepare", str(source), str(tmp_path / "out"), "--split", str(tmp_path / "one.json"), "--no-progress"]
    assert main([*line, "--variances", "0.0004", "--count", "20000"]) == 0
    rows = Prepared(tmp_path / "out", count=20_000)[0]
    shell = 4 * np.pi / 1.03**2 * 0.08 / 8
    assert (np.abs(rows[:, 3]) < 0.04).mean() == pytest.approx(0.94 * 0.9545 + 0.06 * shell, abs=0.01)


def test_strict_is_an_exit_status(source, tmp_path, capsys):
    line = ["prepare", str(source), str(tmp_path / "out"), "--count", "100", "--json", "--no-progress"]
    assert main([*line, "--strict"]) == 1
    assert json.loads(capsys.readouterr().out)["rejected"] == 1
    assert main(line) == 0


def test_links_that_lead_back_are_followed_once(tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    trimesh.creation.box().export(tmp_path / "in/deep/a.ply")
    (tmp_path / "in/deep/up").symlink_to(tmp_path / "in")
    assert [entry.id for entry in find(tmp_path / "in")[1]] == ["deep/a"]


def test_layouts_are_found(tmp_path):
    box = trimesh.creation.box()
    for name in ("shapenet/02691156/abc/models/model_normalized.obj", "shapenet/03001627/def/model.obj",
                 "modelnet/sofa/train/sofa_1.off", "modelnet/sofa/test/sofa_2.off", "mine/x/y/z.ply"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True)
        box.export(tmp_path / name)
    found = {name: find(tmp_path / name) for name in ("shapenet", "modelnet", "mine")}
    assert [(e.id, e.label) for e in found["shapenet"][1]] == [("02691156/abc", "airplane"), ("03001627/def", "chair")]
    assert [(e.id, e.label) for e in found["modelnet"][1]] == [
        ("sofa/test/sofa_2", "sofa"),
        ("sofa/train/sofa_1", "sofa"),
    ]
    assert [(e.id, e.label) for e in found["mine"][1]] == [("x/y/z", "x")]
    assert {name: layout for name, (layout, _) in found.items()} == {
        "shapenet": "shapenet", "modelnet": "modelnet", "mine": "meshes",
    }  # fmt: skip


def test_deepsdf_own_samples_are_read_and_written(ready, tmp_path):
    """Our samples in the release's files, one row of them broken, and back: the same rows, and the same place."""
    data = Prepared(ready[0], count=4000)
    record = next(record for record in data.records if record.id == "ball/2")
    rows = data.slice(data.records.index(record), 0)
    path = write_deepsdf(rows, record, tmp_path / "in", "Mine")
    assert path == tmp_path / "in/SdfSamples/Mine/ball/2.npz"
    with np.load(path) as held:
        broken = {"pos": held["pos"].copy(), "neg": held["neg"]}
    broken["pos"][0, 0] = np.nan
    np.savez(path, **broken)
    (found,) = prepare(tmp_path / "in", tmp_path / "out", PrepareConfig())
    assert (found.id, found.label, found.outcome) == ("Mine/ball/2", "ball", "repair")
    assert found.reason == "1 samples that are not finite are left out"
    assert found.scale == pytest.approx(record.scale)
    assert found.center == pytest.approx(record.center, abs=1e-6)
    again = np.load(tmp_path / "out/shapes/Mine/ball/2/signed.npy")
    assert len(again) == 3999
    assert {row.tobytes() for row in again} < {row.tobytes() for row in rows.astype(np.float32)}


def test_published_aircraft_are_read(data, tmp_path):
    records = prepare(data / "deepsdf", tmp_path, PrepareConfig())
    assert {record.label for record in records} == {"airplane"}
    assert [record.outcome for record in records] == ["accept", "repair", "accept"]  # nine rows with a NaN
    assert [record.figures["samples"] for record in records] == [226774, 244605, 216713]


def test_views_lead_back_to_the_shape(source, tmp_path):
    """Depth images and cameras of a ball, read again: points on the ball, in the normalised space."""
    (tmp_path / "one.json").write_text('["ball/1"]')
    config = PrepareConfig(("views", "surface"), 500, points=500, views=8, size=96)
    prepare(source, tmp_path / "out", config, split=tmp_path / "one.json")
    folder = tmp_path / "out/shapes/ball/1/views"
    assert len(list(folder.glob("*.png"))) == len(list(folder.glob("*.npy"))) == 8
    views = io.read_views(sorted(folder.glob("*.npy")), folder / "camera.json")
    points = io.cloud_of(views).points
    assert np.abs(np.linalg.norm(points, axis=1) - 1 / 1.03).max() < 0.02  # of an icosphere
    with np.load(folder / "cameras.npz") as held:
        seen = (np.c_[points, np.ones(len(points))] @ held["world_mat_3"].T) @ held["camera_mat_3"].T
        pixel = seen[:, :2] / seen[:, 2:]
        assert ((pixel > 0) & (pixel < 95)).all()
    pictures, cameras = Prepared(tmp_path / "out", "views").rows(0), Prepared(tmp_path / "out", "cameras").rows(0)
    assert pictures.shape == (8, 3, 96, 96) and pictures.dtype == np.uint8
    dark = (pictures < 230).any(1)  # a ball in the middle of every picture, with a margin
    assert (dark[:, 48, 48] & ~dark[:, 0].any(1)).all() and (abs(dark.mean((1, 2)) - np.pi / 4 / 1.1**2) < 0.05).all()
    with np.load(folder / "cameras.npz") as held:
        assert np.array_equal(cameras[3], held["world_mat_3"])
    (tmp_path / "out/shapes/ball/1/views.npy").unlink()  # data sets of earlier versions have only the pictures
    assert np.array_equal(Prepared(tmp_path / "out", "views").rows(0), pictures)
