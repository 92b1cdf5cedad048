"""ShapeNetCore (Chang et al. 2015): synset/model/model.obj (v1) or synset/model/models/model_normalized.obj (v2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layouts.entry import Entry

NAMES = {
    "02691156": "airplane", "02828884": "bench", "02933112": "cabinet", "02958343": "car", "03001627": "chair",
    "03211117": "display", "03636649": "lamp", "03691459": "loudspeaker", "04090263": "rifle", "04256520": "sofa",
    "04379243": "table", "04401088": "telephone", "04530566": "vessel",
}  # fmt: skip
"""Of the thirteen classes that papers use; the others keep their number (WordNet's synset)."""
FILES = ("models/model_normalized.obj", "model.obj")


def find(source: Path) -> Iterator[Entry]:
    """Every model below folders whose names are eight digits, by synset and model."""
    for synset in sorted(source.iterdir()):
        if not (re.fullmatch(r"\d{8}", synset.name) and synset.is_dir()):
            continue
        for model in sorted(synset.iterdir()):
            path = next((model / name for name in FILES if (model / name).is_file()), None)
            if path is not None:
                yield Entry(f"{synset.name}/{model.name}", NAMES.get(synset.name, synset.name), path)
