"""The notebooks of examples/ run from their first cell to the last, with less work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.ipynb"))
LESS = {
    "metasdf_digits": {"STEPS": 2, "DIGITS": 60},
    "metasdf_images": {"STEPS": 1, "CROPS": 2, "TRAIN": ("coins",), "TEST": ("chelsea",)},
}
"""What takes the place of the parameters, the names of the first cell of code."""
NEEDS = {"metasdf_digits": ("sklearn",)}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path, tmp_path, monkeypatch, capsys):
    for package in NEEDS.get(path.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    exec(compile(code[0], f"{path.name}, parameters", "exec"), names)
    assert names.keys() >= LESS[path.stem].keys()
    names |= LESS[path.stem]
    for number, text in enumerate(code[1:], 2):
        exec(compile(text, f"{path.name}, cell {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "steps: " in printed and "nan" not in printed
