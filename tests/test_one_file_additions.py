"""What another package adds is one file and one entry point: driven through the command line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from safetensors.numpy import load_file

import balls
from isofield.cli.main import main
from isofield.plugins import plugins

ROOT = Path(__file__).parents[1]

ENTRY_POINTS = """
[isofield.layouts]
museum = addition.layout:LAYOUT

[isofield.methods]
balloon = addition.method:BALLOON
broken = addition.method:nothing
worse = addition.method:WORSE

[isofield.metrics]
bias = addition.metric:BIAS

[isofield.spaces]
mean-shift = addition.space:MEAN_SHIFT

[isofield.fields]
Shifted = addition.space:Shifted
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

SPACE = (ROOT / "examples" / "package" / "mean_shift.py").read_text(encoding="utf-8")

METHOD = '''
"""A ball about the origin."""

from dataclasses import dataclass
import torch
from isofield.configs import MethodSpec
from isofield.fields.mlp import Mlp
from isofield.types import FitProgress


@dataclass(frozen=True)
class Settings:
    """A balloon.

    Args:
        layers: Hidden layers.
    """

    layers: int


@dataclass(frozen=True)
class Balloon:
    config: Settings

    def infer(self, shapes, seed, device):
        generator = torch.Generator().manual_seed(seed)
        yield FitProgress("inflating", 1.0, Mlp((256,) * self.config.layers, (), "relu", 0.5, generator))

    def field(self, code):
        return code


def settings(quality="balanced"):
    return Settings({"fast": 2, "balanced": 3, "best": 4}[quality])


def worse(quality="balanced"):
    raise TypeError("no such quality")


BALLOON = MethodSpec("a ball about the origin, as a network at its start is", Balloon, settings)
WORSE = MethodSpec("", Balloon, worse)
'''


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with an installed package of additions."""
    package = tmp_path / "packages"
    (package / "addition").mkdir(parents=True)
    (package / "addition/__init__.py").write_text("")
    (package / "addition/layout.py").write_text(LAYOUT)
    (package / "addition/metric.py").write_text(METRIC)
    (package / "addition/space.py").write_text(SPACE)
    (package / "addition/method.py").write_text(METHOD)
    (package / "addition-1.0.dist-info").mkdir()
    (package / "addition-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: addition\nVersion: 1.0\n")
    (package / "addition-1.0.dist-info/entry_points.txt").write_text(ENTRY_POINTS)

    return package


@pytest.fixture
def run(package: Path, tmp_path: Path, monkeypatch, capsys) -> Iterator[Run]:
    """The command line in a folder, with that package on Python's path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(package)

    def forget() -> None:
        plugins.cache_clear()
        for name in [name for name in sys.modules if name.partition(".")[0] == "addition"]:
            del sys.modules[name]

    def call(*arguments: str) -> Done:
        forget()
        capsys.readouterr()
        return Done(main([*arguments]), *capsys.readouterr())

    yield call
    forget()


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
    text = run("evaluate", "pred/a.ply", "truth/a.ply", "--samples", "20000").stdout
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


def test_a_space(run: Run, tmp_path: Path):
    data = balls.prepared(tmp_path / "data")
    trimesh.creation.icosphere(3, radius=0.6).export(tmp_path / "ball.ply")
    assert "mean-shift the mean shape, grown and shrunk" in " ".join(run("train", "--help").stdout.split())
    assert "--training.network-rate.initial" in run("train", "mean-shift", "--help").stdout
    done = run("train", "mean-shift", str(data), "-o", "run", "--cells", "16", "--training.steps", "30")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run/config.json").read_text())["settings"]["cells"] == 16
    held = load_file(tmp_path / "run/space.safetensors")
    assert held["codes"].shape == (len(list((data / "shapes").glob("*"))), 1)
    assert held["codes"].std() > 0.01 > abs(held["codes"].mean())  # of balls, larger and smaller than their mean
    again = run("train", "mean-shift", str(data), "-o", "run", "--cells", "16", "--training.steps", "30", "--resume")
    assert again.returncode == 0, again.stderr
    inferred = run("infer", "run", "ball.ply", "-o", "out", "--field", "fields", "--resolution", "32")
    assert inferred.returncode == 0, inferred.stderr
    found = trimesh.load(tmp_path / "out/ball.ply")
    assert found.is_watertight
    assert np.abs(np.linalg.norm(found.vertices, axis=1) - 0.6).mean() < 0.05
    assert run("mesh", "fields/ball", "-o", "again.ply", "--resolution", "32").returncode == 0
    refused = run("complete", "run", "ball.ply", "-o", "out", "--samples", "2")
    assert refused.returncode == 2 and "no posterior" in refused.stderr


def test_a_space_that_is_incomplete_fails_or_is_gone(run: Run, tmp_path: Path):
    """What is wrong with another package is said of that package."""
    data, space = balls.prepared(tmp_path / "data"), tmp_path / "packages/addition/space.py"
    assert run("train", "mean-shift", str(data), "-o", "run", "--training.steps", "2").returncode == 0
    train = ("train", "mean-shift", str(data), "-o", "other", "--training.steps", "2")
    space.write_text(SPACE.replace("def complete(", "def completed("))
    done = run(*train)
    assert done.returncode == 2
    assert "the class of method 'mean-shift' lacks complete: add them" in done.stderr
    space.write_text(SPACE.replace('"""Rows of the table."""', "return self.table[self.nothing]"))
    done = run(*train)
    assert done.returncode == 1
    assert "error: the package addition failed unexpectedly (AttributeError: " in done.stderr
    (tmp_path / "packages/addition-1.0.dist-info/entry_points.txt").write_text("")
    done = run("sample", "run", "-o", "new")
    assert done.returncode == 2
    assert "install the package that it was made with" in done.stderr


def test_a_method(run: Run, tmp_path: Path):
    """Its settings are options, and arrive in the provenance of the field."""
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(500, 3)))
    line = ("fit", "points.npy", "-o", "field/", "--method", "balloon", "--quality", "fast", "--resolution", "32")
    for options, layers in (((), 2), (("--layers", "5"), 5)):
        done = run(*line, *options)
        assert done.returncode == 0, done.stderr
        provenance = json.loads((tmp_path / "field/config.json").read_text())["provenance"]
        assert (provenance["method"], provenance["settings"]) == ("balloon", {"layers": layers})
    assert (tmp_path / "field/mesh.ply").is_file()
    assert "Hidden layers." in run("fit", "--method", "balloon", "--help").stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "method 'broken' of addition.method:nothing cannot be loaded"),
        ("worse", "method 'worse' of addition.method:WORSE cannot be loaded (TypeError: no such quality)"),
        ("baloon", "perhaps you meant 'balloon'"),
    ],
)
def test_a_method_that_cannot_be_used(run: Run, tmp_path: Path, name: str, message: str):
    np.save(tmp_path / "points.npy", np.zeros((500, 3)))
    done = run("fit", "points.npy", "-o", "a.ply", "--method", name)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_process_of_its_own(package: Path, tmp_path: Path):
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "isofield", "fit", "--method", "balloon", "--help"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0 and "Hidden layers." in done.stdout
