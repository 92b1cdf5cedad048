"""ShapeNetCore (Chang et al. 2015): synset/model/model.obj (v1) or synset/model/models/model_normalized.obj (v2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from isofield.datasets.layout import Entry, Layout

NAMES = {
    "02691156": "airplane", "02747177": "trash bin", "02773838": "bag", "02801938": "basket", "02808440": "bathtub",
    "02818832": "bed", "02828884": "bench", "02843684": "birdhouse", "02871439": "bookshelf", "02876657": "bottle",
    "02880940": "bowl", "02924116": "bus", "02933112": "cabinet", "02942699": "camera", "02946921": "can",
    "02954340": "cap", "02958343": "car", "02992529": "cellphone", "03001627": "chair", "03046257": "clock",
    "03085013": "keyboard", "03207941": "dishwasher", "03211117": "display", "03261776": "earphone",
    "03325088": "faucet", "03337140": "file cabinet", "03467517": "guitar", "03513137": "helmet", "03593526": "jar",
    "03624134": "knife", "03636649": "lamp", "03642806": "laptop", "03691459": "loudspeaker", "03710193": "mailbox",
    "03759954": "microphone", "03761084": "microwave", "03790512": "motorcycle", "03797390": "mug", "03928116": "piano",
    "03938244": "pillow", "03948459": "pistol", "03991062": "flowerpot", "04004475": "printer", "04074963": "remote",
    "04090263": "rifle", "04099429": "rocket", "04225987": "skateboard", "04256520": "sofa", "04330267": "stove",
    "04379243": "table", "04401088": "telephone", "04460130": "tower", "04468005": "train", "04530566": "vessel",
    "04554684": "washer",
}  # fmt: skip
"""Names of the 55 classes by the numbers of their folders (synsets of WordNet); other folders keep their number."""
SYNSET = re.compile(r"\d{8}")
FILES = ("models/model_normalized.obj", "model.obj")


def find(folder: Path) -> Iterator[Entry]:
    """Every model of the folders named by eight digits, by synset and model; or of the one that is given."""
    one = folder.resolve()
    for synset in [one] if SYNSET.fullmatch(one.name) else sorted(folder.iterdir()):
        if not (SYNSET.fullmatch(synset.name) and synset.is_dir()):
            continue
        for model in sorted(synset.iterdir()):
            path = next((model / name for name in FILES if (model / name).is_file()), None)
            if path is not None:
                yield Entry(f"{synset.name}/{model.name}", NAMES.get(synset.name, synset.name), path)


LAYOUT = Layout(find, "the folder of the classes (02691156, ...), or one class")
