"""Everything that people's folders bring, through the command line: told in one sentence, and never taken for whole."""

import csv
import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isofield.cli.main import main

BALL = trimesh.creation.icosphere(2)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


def run(*options: str, source: str = "in", out: str = "out", samples: str = "signed") -> int:
    line = ["prepare", source, out, "--samples", samples, "--count", "500", "--no-progress"]
    return main([*line, *options])


def rows(out: str = "out") -> dict[str, dict[str, str]]:
    with Path(out, "report.csv").open() as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def write_ply(name: str, vertices: np.ndarray, faces: np.ndarray) -> None:
    """As it is given, with faces that a library would clean away."""
    head = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property double x\nproperty double y\nproperty double z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    table = np.empty(len(faces), [("count", "u1"), ("corner", "<i4", 3)])
    table["count"], table["corner"] = 3, faces
    Path(name).write_bytes(head.encode() + np.asarray(vertices, "<f8").tobytes() + table.tobytes())


def test_a_folder_without_shapes(capsys):
    Path("in/notes.txt").write_text("1 2 3\n" * 500)
    assert run() == 2
    way = "give a folder with meshes (.ply .obj .off .stl .glb) or clouds (.xyz .npy), or pictures (.png .jpg)"
    assert capsys.readouterr().err == f"error: in holds no shapes: {way}.\n"
    assert not Path("out").exists()


@pytest.mark.parametrize("number", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_one_file_cut_among_a_hundred(number):
    """A third of it is missing; the others have their samples."""
    for k in range(number):
        BALL.export(f"in/{k:03d}.ply")
    content = Path("in/007.ply").read_bytes()
    Path("in/007.ply").write_bytes(content[: len(content) * 2 // 3])
    assert run() == 0
    found = rows()
    assert len(found) == number
    assert {id_ for id_, row in found.items() if row["outcome"] != "accept"} == {"007"}
    assert found["007"]["outcome"] == "reject"
    assert "in/007.ply is cut short" in found["007"]["reason"]
    assert len(list(Path("out/shapes").glob("*/signed.npy"))) == number - 1
    assert run("--strict") == 1


@pytest.mark.parametrize("size", [1e9, 1e-9])
def test_a_mesh_of_a_billion_units(size):
    """And of a billionth; its samples are those of the ball of size one."""
    write_ply("in/a.ply", BALL.vertices * size + [3 * size, 0, 0], BALL.faces)
    BALL.export("in/b.ply")
    assert run() == 0
    assert {row["outcome"] for row in rows().values()} == {"accept"}
    record = json.loads(Path("out/shapes/a/record.json").read_text())
    assert record["scale"] == pytest.approx(1 / 1.03 / size, rel=1e-6)
    assert record["center"] == pytest.approx([3 * size, 0, 0], rel=1e-6, abs=1e-6 * size)
    x = np.load("out/shapes/a/signed.npy").astype(np.float64)
    assert np.abs(np.linalg.norm(x[:, :3], axis=1) - 1 / 1.03 - x[:, 3]).max() < 0.03  # of an icosphere of 320 faces
    assert (x[:, 3] < 0).any()


def test_a_million_faces_without_area():
    """They are left out and counted."""
    line = np.linspace([2, 0, 0], [3, 0, 0], 1000)
    random = np.random.default_rng(0)
    thin = random.integers(len(BALL.vertices), len(BALL.vertices) + 1000, (1_000_000, 3))
    write_ply("in/a.ply", np.concatenate([BALL.vertices, line]), np.concatenate([BALL.faces, thin]))
    assert run() == 0
    row = rows()["a"]
    assert row["outcome"] == "repair"
    assert row["reason"] == "1000000 faces without area, not finite or repeated are left out"
    assert (row["faces"], row["parts"]) == ("1000320", "1")


def test_shapes_without_area():
    """One point, a line, and two points that are all corners."""
    for name, corners in (("point", np.zeros((3, 3))), ("line", np.eye(3) * 0 + [[0], [1], [2]])):
        write_ply(f"in/{name}.ply", corners, np.array([[0, 1, 2]]))
    write_ply("in/pair.ply", np.eye(3)[:2], np.array([[0, 1, 1], [1, 0, 0]]))
    BALL.export("in/whole.ply")
    assert run() == 0
    found = rows()
    assert {id_ for id_, row in found.items() if row["outcome"] == "reject"} == {"point", "line", "pair"}
    assert all("degenerate" in found[id_]["reason"] for id_ in ("point", "line", "pair"))
    assert found["whole"]["outcome"] == "accept"


def test_links_that_lead_in_circles():
    """Folders that contain themselves are followed once; files that lead to themselves or nowhere are rejected."""
    Path("in/deep/er").mkdir(parents=True)
    BALL.export("in/deep/er/a.ply")
    for link, to in (("in/deep/up", ".."), ("in/one", "two"), ("in/two", "one"), ("in/deep/er/self", "self")):
        os.symlink(to, link)
    os.symlink("loop.ply", "in/loop.ply")
    os.symlink("nowhere.ply", "in/lost.ply")
    assert run() == 0
    found = rows()
    assert {id_: row["outcome"] for id_, row in found.items()} == {
        "deep/er/a": "accept", "loop": "reject", "lost": "reject",
    }  # fmt: skip
    assert found["loop"]["reason"] == "in/loop.ply is a link to a file that does not exist: fix or remove it."


def test_ids_that_differ_in_case_alone(capsys):
    for name in ("in/Chair.ply", "in/chair.ply"):
        BALL.export(name)
    assert run() == 2
    said = capsys.readouterr().err
    assert said == "error: in/Chair.ply and in/chair.ply would have the same id (chair): rename one.\n"
    assert not Path("out").exists()


def test_a_split_with_ids_that_are_not_there(capsys):
    """All of them, not the first; nothing is begun."""
    BALL.export("in/a.ply")
    missing = [f"b{number}" for number in range(30)]
    Path("split.json").write_text(json.dumps({"Mine": {"ball": ["a", *missing]}}))
    Path("lines.txt").write_text("\n".join(["a", *missing]))
    assert run("--split", "split.json") == 2
    names = ", ".join(missing)
    assert capsys.readouterr().err == f"error: split.json names 30 ids that no shape has: {names}.\n"
    assert run("--split", "lines.txt") == 2
    assert "lines.txt names 30 ids that no shape has: b0, " in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"format": 2}, "out has format 2, and this isofield writes 1: prepare into another folder."),
        ({"format": None}, "out has format None, and this isofield writes 1"),
        ({"count": 7}, "out was begun with other settings (count): use the same ones, or another folder."),
    ],
)
def test_a_folder_of_another_version(capsys, change, part):
    BALL.export("in/a.ply")
    assert run() == 0
    before = Path("out/shapes/a/signed.npy").read_bytes()
    settings = json.loads(Path("out/settings.json").read_text()) | change
    Path("out/settings.json").write_text(json.dumps(settings))
    capsys.readouterr()
    assert run() == 2
    assert part in capsys.readouterr().err
    assert Path("out/shapes/a/signed.npy").read_bytes() == before


def test_settings_that_are_damaged(capsys):
    BALL.export("in/a.ply")
    for content in ("[1, 2]", '{"format', ""):
        Path("out").mkdir(exist_ok=True)
        Path("out/settings.json").write_text(content)
        assert run() == 2
        assert "settings.json is damaged" in capsys.readouterr().err


@pytest.fixture
def small():
    """A folder on a disk of its own, whose size in kilobytes can be set."""
    Path("small").mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "none", "small"], capture_output=True).returncode:
        pytest.skip("no disk can be made here (needs root)")

    def resize(kilobytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", "small"], check=True)

    yield resize
    subprocess.run(["umount", "small"], check=True)


def test_no_space_left_on_the_device(small, capsys):
    """Whatever does not fit, arrays, pictures, records, report or manifest, is one sentence; with more room the same
    command goes on, and all bytes are those of a run that had room from the start."""
    for number in range(3):
        BALL.export(f"in/{number}.ply")
    assert run() == 0
    whole = {p.relative_to("out"): hashlib.sha256(p.read_bytes()).digest() for p in Path("out").rglob("*.npy")}
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in Path("out").rglob("*") if path.is_file())
    capsys.readouterr()
    for size in sorted({4, 16, 80, used - 24, used - 4}):  # a disk in use does not shrink
        small(size)
        assert run(out="small/out") == 2, size
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "cannot be written" in said
        assert not Path("small/out/manifest.json").exists()
        for record in Path("small/out").glob("shapes/*/record.json"):
            for kind, known in json.loads(record.read_text())["files"].items():
                assert hashlib.sha256((record.parent / f"{kind}.npy").read_bytes()).hexdigest() == known
    small(used + 400)
    assert run(out="small/out") == 0
    found = Path("small/out")
    assert {p.relative_to(found): hashlib.sha256(p.read_bytes()).digest() for p in found.rglob("*.npy")} == whole
    assert json.loads((found / "manifest.json").read_text()) == json.loads(Path("out/manifest.json").read_text())
    assert not [path for path in found.rglob(".*") if path.name != ".lock"]


def test_warnings_of_the_reader_reach_the_report_and_the_terminal(capsys):
    """A face with a corner that is not finite, and a good file."""
    corner = np.concatenate([BALL.vertices, [[np.nan, 0, 0]]])
    write_ply("in/odd.ply", corner, np.concatenate([BALL.faces, [[0, 1, len(BALL.vertices)]]]))
    BALL.export("in/plain.ply")
    assert run() == 0
    note = "in/odd.ply: 1 of 321 faces have coordinates that are not finite (NaN or infinite) and are dropped"
    assert (rows()["odd"]["outcome"], rows()["odd"]["notes"], rows()["plain"]["notes"]) == ("repair", note, "")
    assert f"warning: 1 of 2 files were read with warnings (report.csv has all): {note}" in capsys.readouterr().err
    assert note in Path("out/report.html").read_text()


def test_inner_walls_are_named_once_with_the_remedy(capsys):
    box = trimesh.creation.box().subdivide().subdivide()
    for name in "ab":
        trimesh.util.concatenate([box, box.copy().apply_translation([0.5, 0.1, 0])]).export(f"in/{name}.ply")
    BALL.export("in/ball.ply")
    assert run() == 0
    said = capsys.readouterr().err
    assert said.count("--outer") == 1
    assert "warning: 2 of 3 shapes have inner walls, up to 23 % of their surface (a, b): --outer keeps only" in said
    assert run("--outer", out="other") == 0
    assert "inner walls" not in capsys.readouterr().err
    assert float(rows("other")["a"]["inner"]) < 0.01


def test_what_is_left_out_of_a_common_frame_is_reported(capsys):
    BALL.export("in/a.ply")
    Path("in/cut.ply").write_bytes(Path("in/a.ply").read_bytes()[:900])
    assert run("--normalize", "dataset") == 0
    said = capsys.readouterr().err
    assert (
        "warning: 1 of 2 shapes are left out of the common frame of the data set: cut (in/cut.ply is cut short" in said
    )
