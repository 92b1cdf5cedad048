"""Makes the space of aircraft that the package ships: `make space` (about fifteen minutes on two cores).

The shapes are the built-in family's, the samples DeepSDF's, the space a linear one with a network that sharpens it
(aircraft.yaml), of less than 3 MB.
Nine tenths of the shapes teach it; the rest say how well it knows what it has not seen.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src" / "isofield" / "spaces" / "aircraft"
COUNT = 400
SETTINGS = Path(__file__).with_name("aircraft.yaml")


def isofield(*arguments: str | Path) -> None:
    """One command line."""
    subprocess.run([sys.executable, "-m", "isofield", *map(str, arguments)], check=True)


def main() -> None:
    """Shapes, samples, the space, and the losses of shapes that were left out."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(sys.argv[1]) if sys.argv[1:] else Path(folder)
        if not (work / "data").exists():
            isofield("make", "aircraft", work / "shapes", "--count", str(COUNT), "--seed", "1")
            isofield("prepare", work / "shapes", work / "data", "--count", "100000")
        split = work / "split.json"
        isofield("split", work / "shapes", "--out", split, "--train", "0.9")
        run = work / "aircraft"
        shutil.rmtree(run, ignore_errors=True)
        isofield("train", "deepsdf", work / "data", "--out", run, "--split", split, "--config", SETTINGS)
        isofield("infer", run, work / "data", "--split", split, "--out", work / "found")
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        for name in ("config.json", "space.safetensors"):
            shutil.copy(run / name, OUT / name)
        config = json.loads((OUT / "config.json").read_text())
        config["provenance"]["data"] = f"isofield make aircraft --count {COUNT} --seed 1"
        (OUT / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main()
