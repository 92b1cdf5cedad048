"""How well a space and its snapshots tell inside from outside for shapes that were held out, without meshes: the quick
evaluation of Occupancy Networks (Mescheder et al. 2019; `eval.py` of the released code), for any space."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from isofield.api.inference import infer_all
from isofield.api.loading import load_run
from isofield.api.observations import observed_in
from isofield.api.space import ShapeSpace
from isofield.datasets import Prepared, ids_of
from isofield.datasets.manifest import read
from isofield.datasets.prepared import check_kinds
from isofield.errors import InputError
from isofield.training.checkpoint import BEST, SNAPSHOTS
from isofield.types import ProgressCallback

LATEST = "latest"
"""The name of the space after the whole training."""
SAMPLES = 20_000
"""Samples of a shape, at most."""


def checkpoints(run: str | os.PathLike[str]) -> list[str]:
    """The names of a run's snapshots in the order of their steps, the best by validation if there is one, and
    `LATEST`."""
    names = [path.name for path in (Path(run) / SNAPSHOTS).glob("*")]
    steps = sorted((name for name in names if name.isdigit()), key=int)
    return [*steps, *([BEST] if BEST in names else []), LATEST]


def validate(
    run: str | os.PathLike[str], data: str | os.PathLike[str], split: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row for each checkpoint of a run and each shape of a prepared data set: "checkpoint", "id", "class", "iou"
    (samples inside both the field and the shape over those inside one of them) and "wrong" (the fraction of the samples
    that the field puts on the other side).

    The data set has occupancy samples or, less telling since most are near the surface, signed ones; and what the space
    infers codes from. split: the ids to take, its part "test"
    where it has parts. Raises InputError where the run, the data, or its samples do not exist.
    """
    rows, names = list[dict[str, Any]](), checkpoints(run)
    for number, name in enumerate(names):
        if progress is not None:
            progress(f"{len(names)} checkpoints", number / len(names))
        space = load_run(run, name)
        rows += [{"checkpoint": name, **row} for row in scores(space, data, split, "test", "cpu")]
    return rows


def scores(
    space: ShapeSpace, data: str | os.PathLike[str], split: str | os.PathLike[str] | None, part: str, device: str
) -> list[dict[str, Any]]:
    """A row for each shape in one part of a split: "id", "class", "iou" and "wrong", as `validate` computes them."""
    if space.in_camera:
        raise InputError(
            "the shapes of this space come in the frames of their cameras, and occupancy samples have that of the data "
            "set: compare meshes in the same frame."
        )
    kind = truth_kind(data)
    truths = Prepared(data, kind, ids=None if split is None else ids_of(data, split, part))
    shapes = (one() for _, one in observed_in([data], space.prepare, split, space.kinds, part))
    rows: list[dict[str, Any]] = []
    for row, result in enumerate(infer_all(space, shapes, device=device)):
        record, some = truths.records[row], np.asarray(truths.rows(row)[:SAMPLES], np.float64)
        found = np.asarray(result.sdf(record.similarity.invert(some[:, :3]))) < 0
        inside = some[:, 3] > 0.5 if kind == "occupancy" else some[:, 3] < 0
        iou = (found & inside).sum() / max((found | inside).sum(), 1)
        wrong = float((found != inside).mean())
        rows.append({"id": record.id, "class": record.label, "iou": float(iou), "wrong": wrong})
    return rows


def truth_kind(data: str | os.PathLike[str]) -> str:
    """The samples of a prepared data set that tell inside from outside: "occupancy" or, where there are none, "signed".
    Raises InputError where it has neither."""
    before = read(Path(data))[0]["samples"]
    kind = "signed" if "signed" in before and "occupancy" not in before else "occupancy"
    check_kinds(Path(data), before, [kind])
    return kind


def means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean "iou" and "wrong" of each checkpoint, in their order."""
    every = dict.fromkeys(row["checkpoint"] for row in rows)
    return [
        {"checkpoint": name, "shapes": sum(row["checkpoint"] == name for row in rows)}
        | {key: fmean(row[key] for row in rows if row["checkpoint"] == name) for key in ("iou", "wrong")}
        for name in every
    ]
