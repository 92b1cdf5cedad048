"""Methods of other packages, found by their entry points."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

SOURCE = '''
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


@pytest.fixture
def installed(tmp_path):
    """A package with the method `balloon` in a temporary folder, on the path of Python."""
    (tmp_path / "balloons.py").write_text(SOURCE)
    about = tmp_path / "balloons-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: balloons\nVersion: 1.0\n")
    names = ("balloon = balloons:BALLOON", "broken = balloons:nothing", "worse = balloons:WORSE")
    (about / "entry_points.txt").write_text("\n".join(["[isofield.methods]", *names, ""]))
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(500, 3)))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "isofield", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run, tmp_path


def test_a_method_of_another_package_fits(installed):
    run, folder = installed
    done = run("fit", "points.npy", "-o", "field/", "--method", "balloon", "--quality", "fast", "--resolution", "32")
    assert done.returncode == 0, done.stderr
    provenance = json.loads((folder / "field" / "config.json").read_text())["provenance"]
    assert provenance["method"] == "balloon"
    assert provenance["settings"] == {"layers": 2}
    assert (folder / "field" / "mesh.ply").is_file()


def test_its_settings_are_options(installed):
    run, folder = installed
    done = run("fit", "points.npy", "-o", "field/", "--method", "balloon", "--layers", "5", "--resolution", "32")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "field" / "config.json").read_text())["provenance"]["settings"] == {"layers": 5}
    assert "Hidden layers." in run("fit", "--method", "balloon", "--help").stdout


def test_one_that_cannot_be_loaded_is_reported(installed):
    run, _ = installed
    done = run("fit", "points.npy", "-o", "a.ply", "--method", "broken")
    assert done.returncode == 2
    assert "method 'broken' of balloons:nothing cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_it_raises_is_said_to_be_its_own(installed):
    done = installed[0]("fit", "points.npy", "-o", "a.ply", "--method", "worse")
    assert done.returncode == 2
    assert "method 'worse' of balloons:WORSE cannot be loaded (TypeError: no such quality)" in done.stderr


def test_its_name_is_offered(installed):
    run, _ = installed
    done = run("fit", "points.npy", "-o", "a.ply", "--method", "baloon")
    assert done.returncode == 2
    assert "perhaps you meant 'balloon'" in done.stderr
