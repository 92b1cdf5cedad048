"""What another package adds is one file and one entry point: driven through the real command line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

ENTRY_POINTS = """
[isofield.layouts]
museum = addition.layout:LAYOUT
[isofield.metrics]
bias = addition.metric:BIAS
"""

LAYOUT = '''
"""Objects of a museum: NUMBER/scan.ply, or NUMBER/distances.npy with samples (n, 4) that somebody made."""

import numpy as np

from isofield.datasets import Entry, Layout, Precomputed
from isofield.types import Similarity


def find(folder):
    for path in sorted(folder.glob("object-*/scan.ply")):
        yield Entry(path.parent.name, "scan", path)
    for path in sorted(folder.glob("object-*/distances.npy")):
        yield Entry(path.parent.name, "samples", path, {"signed": path}, read)


def read(samples, kinds):
    return Precomputed({"signed": np.load(samples["signed"])}, 0, Similarity((1.0, 2.0, 3.0), 0.5))


LAYOUT = Layout(find, "the folder with object-1, object-2 and so on")
'''

METRIC = '''
"""Mean height of the prediction above the truth."""

from isofield.evaluate import Metric


def bias(comparison):
    difference = comparison.pred.points[:, 2].mean() - comparison.truth.points[:, 2].mean()
    return difference * comparison.diagonal


BIAS = Metric("bias_z", "height bias", "", "file's unit", "mean z of P - mean z of T", bias, column="bias")
'''

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command line in a folder, with a package of additions on Python's path."""
    package = tmp_path / "packages"
    (package / "addition").mkdir(parents=True)
    (package / "addition/__init__.py").write_text("")
    (package / "addition/layout.py").write_text(LAYOUT)
    (package / "addition/metric.py").write_text(METRIC)
    (package / "addition-1.0.dist-info").mkdir()
    (package / "addition-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: addition\nVersion: 1.0\n")
    (package / "addition-1.0.dist-info/entry_points.txt").write_text(ENTRY_POINTS)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "isofield", *arguments]
        environment = os.environ | {"PYTHONPATH": path}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return call


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    """Two objects: a scanned box, and samples of a ball."""
    folder = tmp_path / "museum"
    (folder / "object-1").mkdir(parents=True)
    trimesh.creation.box().export(folder / "object-1/scan.ply")
    x = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    (folder / "object-2").mkdir()
    np.save(folder / "object-2/distances.npy", np.column_stack([x, np.linalg.norm(x, axis=1) - 0.5]))
    return folder


@pytest.mark.parametrize("options", [(), ("--layout", "museum")])
def test_a_layout(run: Run, museum: Path, tmp_path: Path, options: tuple[str, ...]):
    done = run("prepare", "museum", "out", "--count", "300", "--no-progress", *options)
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "out/manifest.json").read_text())
    assert table["settings"]["layout"] == "museum"
    shapes = {row["id"]: row for row in table["shapes"]}
    assert {id_: row["label"] for id_, row in shapes.items()} == {"object-1": "scan", "object-2": "samples"}
    assert shapes["object-2"]["center"] == [1, 2, 3] and shapes["object-2"]["scale"] == 0.5
    rows = np.load(tmp_path / "out/shapes/object-2/signed.npy")
    given = np.load(museum / "object-2/distances.npy").astype(np.float32)
    assert np.array_equal(rows[np.lexsort(rows.T)], given[np.lexsort(given.T)])
    assert np.load(tmp_path / "out/shapes/object-1/signed.npy").shape == (300, 4)


def test_the_name_of_a_layout_is_offered(run: Run, museum: Path):
    done = run("split", "museum", "-o", "split.json", "--layout", "museums")
    assert done.returncode == 2
    assert "there is no layout 'museums', perhaps you meant 'museum'; choose among auto, " in done.stderr
    assert run("split", "museum/object-1", "-o", "split.json", "--layout", "museum").returncode == 2


def test_a_layout_that_cannot_be_loaded(run: Run, museum: Path, tmp_path: Path):
    (tmp_path / "packages/addition/layout.py").write_text("import nothing_of_this_name\n")
    done = run("prepare", "museum", "out")
    assert done.returncode == 2
    assert "addition.layout:LAYOUT (isofield.layouts) cannot be loaded (ModuleNotFoundError: " in done.stderr
    (tmp_path / "packages/addition/layout.py").write_text("LAYOUT = 7\n")
    assert "addition.layout:LAYOUT (isofield.layouts) is not a Layout: " in run("prepare", "museum", "out").stderr


@pytest.fixture
def spheres(tmp_path: Path) -> Path:
    """Two predictions that lie 0.5 and 0.25 above their truth."""
    for name, height in (("a", 0.5), ("b", 0.25)):
        for folder, z in (("pred", height), ("truth", 0.0)):
            (tmp_path / folder).mkdir(exist_ok=True)
            trimesh.creation.icosphere(2).apply_translation([0, 0, z]).export(tmp_path / folder / f"{name}.ply")
    return tmp_path


def test_a_metric(run: Run, spheres: Path):
    """It stands in the JSON, the CSV, the tables and the legend, with its floor and its mean."""
    done = run("evaluate", "pred/a.ply", "truth/a.ply", "--samples", "20000", "--json", "--csv", "one.csv")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["bias_z"] == pytest.approx(0.5, abs=0.03)
    assert abs(scores["floor_bias_z"]) < 0.03
    assert scores["legend"]["bias_z"] == "[file's unit] mean z of P - mean z of T"
    with (spheres / "one.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["bias_z"]) == scores["bias_z"]
    text = run("evaluate", "pred/a.ply", "truth/a.ply").stdout
    assert "height bias [file's unit]: mean z of P - mean z of T" in text
    several = run("evaluate", "pred", "truth", "--samples", "20000")
    heading = next(line for line in several.stdout.splitlines() if "Chamfer-L1" in line)
    assert "bias" in heading
    means = json.loads(run("evaluate", "pred", "truth", "--samples", "20000", "--json").stdout)["mean"]
    assert means["bias_z"] == pytest.approx(0.375, abs=0.03)


def test_a_metric_with_the_key_of_another(run: Run, spheres: Path):
    path = spheres / "packages/addition/metric.py"
    path.write_text(path.read_text().replace('"bias_z"', '"hausdorff"'))
    done = run("evaluate", "pred/a.ply", "truth/a.ply")
    assert done.returncode == 2
    assert "metric 'bias' has the key 'hausdorff' of another metric" in done.stderr
