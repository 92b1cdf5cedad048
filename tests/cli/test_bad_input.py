"""Every bad input through the command line: one sentence that names the file and the way out, and nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from isofield.cli.main import main


def _cut(name: str) -> None:
    trimesh.creation.icosphere(subdivisions=3).export(name)
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: len(content) * 2 // 3])


def _sphere(count: int) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _degenerate(name: str) -> None:
    rows = [f"v {a} {b} {c}" for a, b, c in np.random.default_rng(0).random((300, 3))]
    Path(name).write_text("\n".join([*rows, *(f"f {i} {i} {i + 1}" for i in range(1, 300))]))


def _spoiled(name: str, count: int, value: float) -> None:
    points = _sphere(3000)
    points[:count, 0] = value
    np.save(name, points)


def _picture(name: str) -> None:
    Image.new("RGB", (32, 32)).save("picture.png")
    Path("picture.png").rename(name)


HEADER = "ply\nformat ascii 1.0\nelement vertex 4000000000\n{}end_header\n".format(
    "".join(f"property float {axis}\n" for axis in "xyz")
)

CASES = {
    "missing.ply": (lambda name: None, "there is no file missing.ply"),
    "empty.ply": (lambda name: Path(name).touch(), "empty.ply is empty"),
    "cut.ply": (_cut, "cut.ply is cut short"),
    "cut.off": (_cut, "cut.off is cut short"),
    "cut.stl": (_cut, "cut.stl is cut short"),
    "cut.glb": (_cut, "cut.glb is cut short"),
    "face.obj": (lambda name: Path(name).write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"), "names vertex 9"),
    "counts.ply": (lambda name: Path(name).write_text(HEADER + "0 0 0\n"), "promises 4000000000"),
    "scan.xyzz": (lambda name: Path(name).write_text("0 0 0\n" * 200), "the extension .xyzz is unknown"),
    "picture.obj": (_picture, "picture.obj is a PNG picture"),
    "folder.ply": (lambda name: Path(name).mkdir(), "folder.ply is a folder"),
    "none.xyz": (lambda name: Path(name).write_text("# nothing\n"), "none.xyz holds no points"),
    "few.npy": (lambda name: np.save(name, _sphere(99)), "few.npy has 99 points"),
    "equal.npy": (lambda name: np.save(name, np.ones((500, 3))), "500 points, all of them equal"),
    "line.npy": (lambda name: np.save(name, np.linspace(0, 1, 500)[:, None] * [1.0, 2, 3]), "on one line"),
    "flat.obj": (_degenerate, "only degenerate faces"),
    "nan.npy": (lambda name: _spoiled(name, 1500, np.nan), "1500 of 3000 points that are not finite"),
    "inf.npy": (lambda name: _spoiled(name, 1500, np.inf), "1500 of 3000 points that are not finite"),
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_and_nothing_written(name, here, capsys):
    make, part = CASES[name]
    make(name)
    before = sorted(here.rglob("*"))
    assert main(["fit", name, "-o", "out/result.ply", "--field", "out/field"]) == 2
    captured = capsys.readouterr()
    (sentence,) = [line for line in captured.err.splitlines() if not line.startswith("warning: ")]
    assert sentence.startswith("error: ") and name in sentence and part in sentence
    # The remedy: a second clause in the imperative, and a full stop.
    assert sentence.count(": ") >= 2 and sentence.endswith(".")
    assert captured.out == "" and "Traceback" not in captured.err
    assert sorted(here.rglob("*")) == before


LINES = ["fit few.npy -o out.ply", "fit few.npy -o out.plt", "info nothing.ply", "fit few.npy"]


@pytest.mark.parametrize("line", LINES)
def test_the_installed_command_says_the_same(line, here):
    np.save("few.npy", _sphere(99))
    command = [sys.executable, "-m", "isofield", *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert done.stdout == "" and not list(here.glob("out*"))


def test_an_output_that_exists_survives_a_failing_run(here):
    Path("out.ply").write_text("precious")
    np.save("few.npy", _sphere(99))
    assert main(["fit", "few.npy", "-o", "out.ply"]) == 2
    assert Path("out.ply").read_text() == "precious"
