"""What every method that fits one shape keeps to; a new one is covered without a line here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

import isofield
from isofield import families, io
from isofield.cli.main import main
from isofield.configs.methods import METHODS, changed, find_method, method_names
from isofield.render import scan
from isofield.types import Cloud

NAMES = [name for name in method_names(METHODS) if name != "auto"]
SMALL = {"steps": 4, "batch": 400, "samples": 4000, "oriented": 500, "cells": 32, "width": 16, "levels": 2}


def few(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings for less work, wherever they have such numbers."""
    return {
        name: few(value) if isinstance(value, dict) else min(value, SMALL[name]) if name in SMALL else value
        for name, value in settings.items()
    }


def shape(name: str) -> trimesh.Trimesh | Cloud:
    """A small closed mesh for methods that read meshes, and points of it for all others."""
    mesh = families.gear(teeth=6, holes=0, thickness=0.5, twist=0)
    return mesh if "mesh" in find_method(name).reads else scan(mesh, 800, 0.002, seed=1)


def tiny(name: str) -> Any:
    settings = find_method(name).settings("fast")
    return changed(settings, few(asdict(settings)))


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_is_the_same_again_and_after_its_folder(name, tmp_path):
    """Bytes for bytes, on one thread and on two."""
    before, stages = torch.get_num_threads(), []
    x = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    values = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        report = lambda stage, fraction: stages.append((stage, fraction))  # noqa: E731
        sdf = isofield.fit(shape(name), method=name, quality="fast", config=tiny(name), seed=3, progress=report)
        values.append(np.asarray(sdf(x)))
    torch.set_num_threads(before)
    assert np.isfinite(values[0]).all()
    assert np.array_equal(*values)
    fractions = [fraction for _, fraction in stages[: len(stages) // 2]]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    sdf.save(tmp_path / "field")
    again = isofield.load(tmp_path / "field")
    assert np.array_equal(np.asarray(again(x)), values[0])
    assert again.provenance["method"] == name
    assert all(np.isfinite(value) for value in again.provenance["losses"].values())
    assert bool(again.provenance["losses"]) == (name not in ("ssd", "triangles"))  # all others descend
    assert changed(find_method(name).settings(), again.provenance["settings"]) == tiny(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_an_option(name, tmp_path, capsys):
    """Of the command line and of a file, and it arrives in the field's provenance."""
    gear = shape(name)
    (io.write_mesh if isinstance(gear, trimesh.Trimesh) else io.write_cloud)(gear, tmp_path / "gear.ply")
    wanted = few(asdict(find_method(name).settings("fast")))
    (tmp_path / "few.json").write_text(json.dumps(wanted))
    line = ["fit", str(tmp_path / "gear.ply"), "-o", f"{tmp_path}/field/", "--method", name, "--resolution", "16"]
    number, value = next(_numbers(wanted))
    option = ["--" + number.replace("_", "-"), str(value + 1)]
    assert main([*line, "--config", str(tmp_path / "few.json"), *option, "--no-progress"]) == 0
    settings = json.loads((tmp_path / "field" / "config.json").read_text())["provenance"]["settings"]
    assert dict(_numbers(settings)) == dict(_numbers(wanted)) | {number: value + 1}
    with pytest.raises(SystemExit):
        raise SystemExit(main(["fit", "--method", name, "--help"]))
    shown = capsys.readouterr().out
    assert all("--" + one.replace("_", "-") in shown for one, _ in _numbers(wanted))


def _numbers(settings: dict[str, Any], above: str = ""):
    """Names and values of all whole numbers of some settings."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{above}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{above}{name}", value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", NAMES)
def test_a_fit_on_a_gpu(name, tmp_path):
    """It ends with a field that is stored and loaded without one."""
    sdf = isofield.fit(shape(name), method=name, quality="fast", config=tiny(name), seed=3, device="cuda")
    x = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    sdf.save(tmp_path / "field")
    assert np.array_equal(np.asarray(isofield.load(tmp_path / "field")(x)), np.asarray(sdf(x)))
