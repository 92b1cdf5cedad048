"""Trains the spaces of aircraft that the package ships: `make space` (about twenty-five minutes on two cores).

The shapes are the built-in family's, the samples DeepSDF's. `aircraft` is a `pca-mlp` (aircraft.yaml), the best for
unseen aircraft; `aircraft-mlp` is DeepSDF's network, the best to interpolate in. Nine tenths of the shapes are for
training, the others are held out. Together the spaces have less than 3.5 MB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src" / "isofield" / "spaces"
COUNT = 400
SPACES = {
    "aircraft": ("pca-mlp", "--config", Path(__file__).with_name("aircraft.yaml")),
    "aircraft-mlp": ("deepsdf", "--config", "deepsdf-mlp", "--training.steps", "8000"),
}
"""Names of the spaces; the method and the settings of each."""


def isofield(*arguments: str | Path) -> None:
    """One command line."""
    subprocess.run([sys.executable, "-m", "isofield", *map(str, arguments)], check=True)


def main() -> None:
    """Make shapes and samples, train the spaces, infer the held-out shapes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(sys.argv[1]) if sys.argv[1:] else Path(folder)
        if not (work / "data").exists():
            isofield("make", "aircraft", work / "shapes", "--count", str(COUNT), "--seed", "1")
            isofield("prepare", work / "shapes", work / "data", "--count", "100000")
        split = work / "split.json"
        isofield("split", work / "shapes", "--out", split, "--train", "0.9")
        for name, (method, *settings) in SPACES.items():
            run = work / name
            shutil.rmtree(run, ignore_errors=True)
            isofield("train", method, work / "data", "--out", run, "--split", split, *settings)
            isofield("infer", run, work / "data", "--split", split, "--out", work / f"found-{name}")
            ship(run, OUT / name)


def ship(run: Path, out: Path) -> None:
    """Copy what the package ships of a run."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(run / "space.safetensors", out)
    config = json.loads((run / "config.json").read_text())
    config["provenance"]["data"] = f"isofield make aircraft --count {COUNT} --seed 1"
    (out / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main()
