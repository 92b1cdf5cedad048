"""MetaSDF in the plane: digits that become signed distances in a few gradient steps.

    python examples/07_metasdf_2d.py [FOLDER] [STEPS]

FOLDER holds MNIST's own files, or pictures. Without it, the digits of scikit-learn (pip install scikit-learn). STEPS of
training: 1 000 take some minutes on two CPU cores.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import isofield
from isofield.api.pictures import drawn
from isofield.configs.metasdf import PLANE_SINE
from isofield.datasets import find, make_split
from isofield.render import planes, save

OUT = Path("metasdf-2d")
DIGITS, HELD_OUT = 400, 0.1


def write_digits(folder: Path) -> Path:
    """scikit-learn's digits, 8 x 8 pixels, as pictures in a folder for each class."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    for k, (picture, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 / 16 * picture).astype(np.uint8)).save(folder / str(label) / f"{k:04d}.png")
    return folder


def main() -> None:
    """Samples of the digits, a space of them, and unseen ones after each step."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else write_digits(OUT / "digits")
    split, steps = OUT / "split.json", int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    entries = find(source)[1]
    some = [entries[k] for k in np.random.default_rng(0).permutation(len(entries))[:DIGITS]]
    OUT.mkdir(exist_ok=True)
    split.write_text(json.dumps(make_split(some, {"train": 1 - HELD_OUT, "test": HELD_OUT})))

    config = isofield.PrepareConfig(samples=("plane", "contour"), count=512, size=64)
    isofield.prepare(source, OUT / "data", config, split=split)
    training = dataclasses.replace(PLANE_SINE.training, steps=steps)
    settings = dataclasses.replace(PLANE_SINE, training=training)
    space = isofield.train("metasdf-2d", OUT / "data", OUT / "run", settings, split=split, progress=say)

    named = isofield.pictures_in([OUT / "data"], space, split)
    pictures = [read() for _, read in named]
    rows = [[drawn(picture.values) for picture in pictures[:8] if picture.values is not None]]
    for inner in range(settings.infer_steps + 1):
        fewer = dataclasses.replace(space, config=dataclasses.replace(settings, infer_steps=inner))
        results = list(isofield.infer_pictures(fewer, pictures))
        rows.append([drawn(result.values) for result in results[:8]])
        squared, wrong = (np.mean([getattr(result, name) for result in results]) for name in ("squared", "wrong"))
        print(f"{inner} steps: squared error {squared:.2e}, {100 * wrong:.1f} % of the pixels on the wrong side")
    save(planes.mosaic([picture for row in rows for picture in row], columns=len(rows[0])), OUT / "digits.png")


def say(stage: str, fraction: float) -> None:
    """Every tenth of the training."""
    if int(1000 * fraction) % 100 == 0:
        print(f"{stage.split(':')[0]}: {100 * fraction:.0f} %", end="\r", flush=True)


if __name__ == "__main__":
    main()
