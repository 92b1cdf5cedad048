"""MetaSDF for images: a sine network that fits an unseen image in three gradient steps.

    python examples/08_metasdf_images.py [FOLDER] [STEPS]

FOLDER holds images, and a tenth of them is held out. Without it, the images that come with scikit-image. STEPS of
training: 1 000 take about five minutes on one CPU core.
"""

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import isofield
from isofield.api.pictures import drawn
from isofield.configs.metasdf import IMAGE_SMALL
from isofield.datasets import find, make_split
from isofield.render import planes, save

OUT = Path("metasdf-images")
IMAGES = (
    "astronaut", "brick", "camera", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "hubble_deep_field",
    "immunohistochemistry", "moon", "page", "retina", "rocket", "text", "chelsea",
)  # fmt: skip
"""The images in scikit-image's wheel, none of which is downloaded; the last one, a cat, is held out."""


def bundled(folder: Path) -> tuple[Path, dict[str, list[str]]]:
    """These images in a folder, and the names of those to learn from and to test with."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in IMAGES:
        Image.fromarray(getattr(data, name)()).save(folder / f"{name}.png")
    return folder, {"train": [*IMAGES[:-1]], "test": [IMAGES[-1]]}


def main() -> None:
    """Crops of images, a space of them, and unseen ones after each step."""
    parts: Mapping[str, object]
    if len(sys.argv) > 1:
        source, parts = Path(sys.argv[1]), make_split(find(sys.argv[1], "pictures")[1], {"train": 0.9, "test": 0.1})
    else:
        source, parts = bundled(OUT / "images")
    split, steps = OUT / "split.json", int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    OUT.mkdir(exist_ok=True)
    split.write_text(json.dumps(parts))
    config = isofield.PrepareConfig(samples=("image",), size=64, crops=20)
    isofield.prepare(source, OUT / "data", config, layout="pictures", split=split)
    settings = IMAGE_SMALL
    settings = dataclasses.replace(settings, training=dataclasses.replace(settings.training, steps=steps))
    space = isofield.train("metasdf-image", OUT / "data", OUT / "run", settings, split=split, progress=say)

    named = isofield.pictures_in([OUT / "data"], space, split)
    pictures = [read() for _, read in named]
    rows = [[drawn(picture.values) for picture in pictures[:8] if picture.values is not None]]
    for inner in range(settings.infer_steps + 1):
        fewer = dataclasses.replace(space, config=dataclasses.replace(settings, infer_steps=inner))
        results = list(isofield.infer_pictures(fewer, pictures))
        rows.append([drawn(result.values) for result in results[:8]])
        print(f"{inner} steps: {np.mean([result.psnr for result in results]):.1f} dB")
    save(planes.mosaic([picture for row in rows for picture in row], columns=len(rows[0])), OUT / "images.png")


def say(stage: str, fraction: float) -> None:
    """Every tenth of the training."""
    if int(1000 * fraction) % 100 == 0:
        print(f"{stage.split(':')[0]}: {100 * fraction:.0f} %", end="\r", flush=True)


if __name__ == "__main__":
    main()
