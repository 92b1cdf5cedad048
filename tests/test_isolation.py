"""One shape may crash its process, hang or fail: it is rejected with its reason, and the others have their samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAYOUT = """
import os, signal, time
import numpy as np
from isofield.datasets import Entry, Layout, Precomputed
from isofield.types import Similarity


def find(folder):
    return [Entry(path.stem, "", path, {"signed": path}, read) for path in folder.glob("*.shape")]


def read(samples, kinds):
    match samples["signed"].stem:
        case "exits":
            os._exit(9)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            time.sleep(600)
        case "large":
            raise MemoryError
        case "defect":
            raise ZeroDivisionError("by hand")
    return Precomputed({"signed": np.ones((50, 4))}, 0, Similarity((0.0, 0.0, 0.0), 1.0))


LAYOUT = Layout(find, "a folder of .shape files")
"""
REASONS = {
    "defect": "failed (ZeroDivisionError: by hand)",
    "exits": "crashed its process (exit status 9)",
    "good-1": "",
    "good-2": "",
    "good-3": "",
    "hangs": "took longer than 3 seconds",
    "killed": "crashed its process (exit status -9)",
    "large": "too large for the memory of this machine",
}


@pytest.mark.parametrize("workers", ["1", "3"])
def test_whatever_happens_to_one_shape(tmp_path: Path, workers: str):
    (tmp_path / "fragile.py").write_text(LAYOUT)
    (tmp_path / "fragile-1.0.dist-info").mkdir()
    (tmp_path / "fragile-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1.0\n")
    (tmp_path / "fragile-1.0.dist-info/entry_points.txt").write_text("[isofield.layouts]\nfragile = fragile:LAYOUT\n")
    (tmp_path / "in").mkdir()
    for name in REASONS:
        (tmp_path / f"in/{name}.shape").write_text("")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    line = ["prepare", "in", "out", "--workers", workers, "--timeout", "3", "--no-progress"]
    done = subprocess.run(
        [sys.executable, "-m", "isofield", *line], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "out/manifest.json").read_text())["shapes"]
    assert {record["id"]: record["reason"] for record in records} == REASONS
    assert {record["id"] for record in records if record["files"]} == {"good-1", "good-2", "good-3"}
