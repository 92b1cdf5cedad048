"""The notebooks of examples/ run from their first cell to the last, with less work; what they store is small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples").rglob("*.ipynb"))
LESS = {
    "01_from_scan_to_mesh": {"POINTS": 2000},
    "02_samples_seen": {"COUNT": 3000},
    "03_a_space_explored": {"CELLS": 32},
    "04_sald_on_raw_scans": {"STEPS": 3, "CELLS": 32},
    "05_metasdf_digits": {"STEPS": 2, "DIGITS": 60},
    "06_metasdf_images": {"STEPS": 1, "CROPS": 2, "TRAIN": ("coins",), "TEST": ("chelsea",)},
    "07_neural_pull": {"STEPS": 4, "SHOWN": (1, 4)},
}
"""What takes the place of the parameters, the names of the first cell of code."""
SAYS = {
    "01_from_scan_to_mesh": "watertight: True",
    "02_samples_seen": "of the surface: ",
    "03_a_space_explored": "loss ",
    "04_sald_on_raw_scans": "closed: True",
    "05_metasdf_digits": "steps: ",
    "06_metasdf_images": "steps: ",
    "07_neural_pull": "steps kept: [1, 4]",
}
"""What its run prints."""
NEEDS = {"05_metasdf_digits": ("sklearn",)}
LARGEST = 500_000
"""Bytes of a notebook with its outputs."""


def cells(path: Path) -> list[dict]:
    """The cells of code of a notebook."""
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path, tmp_path, monkeypatch, capsys):
    for package in NEEDS.get(path.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    code = ["".join(cell["source"]) for cell in cells(path)]
    names: dict[str, object] = {}
    exec(compile(code[0], f"{path.name}, parameters", "exec"), names)
    assert names.keys() >= LESS[path.stem].keys()
    names |= LESS[path.stem]
    for number, text in enumerate(code[1:], 2):
        exec(compile(text, f"{path.name}, cell {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert SAYS[path.stem] in printed and "nan" not in printed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_is_small_and_without_errors(path):
    assert path.stat().st_size < LARGEST
    outputs = [output for cell in cells(path) for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    if path.parent.name == "notebooks":
        assert any("image/png" in output.get("data", {}) for output in outputs)
