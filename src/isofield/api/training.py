"""A space of shapes, learned from a prepared data set."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from isofield import __version__
from isofield.api.observing import similarity_of
from isofield.api.space import Shape, ShapeSpace
from isofield.api.space_folder import prepare_config
from isofield.configs import SPACES, LinearConfig, SpaceConfig
from isofield.datasets import Prepared, ids_of
from isofield.errors import InputError, perhaps
from isofield.folder_format import CONFIG
from isofield.methods import linear
from isofield.types import Evidence, Progress

LOOKED = 40_000
"""So many samples of a shape are looked at first, whether some are inside."""


def train(
    method: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: SpaceConfig | None = None,
    *,
    split: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ShapeSpace:
    """Learns a space of the shapes of a prepared data set, and writes it into the folder `out`.

    method: one of `configs.SPACES`. config: its settings. split: a file with the ids to learn from, of which the part
    "train" counts where there is one; all shapes by default. progress: called with what is being done and the share
    that is done. Raises InputError for data that cannot be learned from, and a folder that holds something.
    """
    if method not in SPACES:
        raise InputError(f"there is no space {method!r}{perhaps(method, SPACES)}: choose among {', '.join(SPACES)}.")
    folder, tell = Path(out), progress or (lambda stage, fraction: None)
    if (folder / CONFIG).exists():
        raise InputError(f"{folder} holds a space or a field already: choose another folder.")
    prepared = Prepared(data, "signed", ids=None if split is None else ids_of(data, split, "train"))
    check_sides(prepared, data)
    shapes = [Shape(record.id, record.label, similarity_of(record)) for record in prepared.records]

    def known(row: int, count: int) -> Evidence:
        rows = np.array(prepared.rows(row)[:count], np.float32)
        return Evidence(rows[:, :3], rows[:, 3])

    settings = config or LinearConfig()
    module, codes = linear.learn(known, len(shapes), settings, tell)
    provenance = {"isofield": __version__, "data": str(data), "seed": seed}
    space = ShapeSpace(
        module.eval(), codes.numpy(), shapes, method, settings, prepare_config(prepared.settings), provenance
    )
    space.save(folder)
    return space


def check_sides(prepared: Prepared, data: str | os.PathLike[str]) -> None:
    """Raises InputError for shapes without samples on both sides of their surface."""
    wrong = []
    for row, record in enumerate(prepared.records):
        rows = prepared.rows(row)
        some = rows[:LOOKED, 3]
        if not ((some < 0).any() and (some > 0).any()) and not ((rows[:, 3] < 0).any() and (rows[:, 3] > 0).any()):
            wrong.append(record.id)
    if wrong:
        raise InputError(
            f"{data} has shapes with no samples inside or none outside ({', '.join(wrong)}): leave them out with "
            "--split, or prepare them with a thicker --thickness."
        )
