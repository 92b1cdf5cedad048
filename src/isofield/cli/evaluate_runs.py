"""`isofield evaluate` with a run of `isofield train`: its checkpoints by their signs, and results beside its shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from isofield.cli import output, scores_output
from isofield.cli.errors import say
from isofield.cli.progress import shown
from isofield.folder_format import MODEL, SPACE, SPECS, STATE, resolve

if TYPE_CHECKING:
    import numpy as np

    from isofield.evaluate import Pair
    from isofield.types import ProgressCallback

CODE_RESOLUTION = 64
"""Resolution of the meshes of training codes."""


def is_run(path: Path) -> bool:
    """Whether a folder, or a name of a space that comes with the package, is a run of `isofield train`, finished or
    not, or of the released code of DeepSDF or SALD."""
    marks = (f"{SPACE}.safetensors", STATE, SPECS, MODEL, f"checkpoints/{MODEL}")
    return any((resolve(path) / mark).exists() for mark in marks)


def checkpoints(run: Path, data: Path, split: Path | None, json: bool, csv: Path | None) -> int:
    """Prints how well the checkpoints of a run tell inside from outside (`api.validation`)."""
    from rich.table import Table

    from isofield.api.validation import LATEST, means, truth_kind, validate
    from isofield.training.checkpoint import BEST

    with shown("checkpoints", True) as report:
        rows = validate(run, data, split, progress=report)
    every = means(rows)
    best = max(every, key=lambda row: row["iou"])["checkpoint"]
    kept = BEST if BEST in [row["checkpoint"] for row in every] else LATEST  # chosen by other shapes than these
    if csv is not None:
        output.write_table(rows, csv)
    if json:
        output.print_json({"checkpoints": every, "best": best, "each": rows})
        return 0
    table = Table("checkpoint", "shapes", "IoU ↑", "wrong ↓")
    for row in every:
        mark = " (highest)" if row["checkpoint"] == best and len(every) > 1 else ""
        table.add_row(f"{row['checkpoint']}{mark}", str(row["shapes"]), f"{row['iou']:.4f}", f"{row['wrong']:.4f}")
    console = scores_output.console()
    console.print(table)
    console.print(f"means over the shapes, at their {truth_kind(data)} samples", markup=False)
    chosen = "" if kept == LATEST else f" --checkpoint {kept}"
    chosen += "" if split is None else f" --split {output.quoted(split)}"
    say(f"next: isofield infer {output.quoted(run)} {output.quoted(data)} -o results{chosen}")
    return 0


def novelty(pairs: Sequence[Pair], missing: Sequence[str], run: Path, json: bool, csv: Path | None) -> int:
    """Prints the table of predictions beside the training shapes of a run, or of a folder."""
    from rich.table import Table

    from isofield.evaluate import retrieval

    with shown("novelty", True) as report:
        training = _training_points(run, report)
        among = retrieval.median_neighbour_distance(training)
        results = retrieval.novelties(pairs, training, report)
    rows = [{"name": pair.name, **asdict(result)} for pair, result in zip(pairs, results, strict=True)]
    won = sum(result.score < result.retrieval for result in results)
    figures = {
        "shapes": len(rows), "better_than_retrieval": won,
        **{key: median(row[key] for row in rows) for key in ("score", "retrieval", "to_training")},
        "among_training": among, "each": rows,
    }  # fmt: skip
    if csv is not None:
        output.write_table(rows, csv)
    if json:
        output.print_json(figures)
        return 0
    console = scores_output.console()
    table = Table("shape", "Chamfer", "retrieval", "by", "to training", "nearest")
    for row in rows:
        table.add_row(
            row["name"], f"{row['score']:.3f}", f"{row['retrieval']:.3f}", row["best"], f"{row['to_training']:.3f}",
            row["nearest"],
        )  # fmt: skip
    console.print(table)
    console.print(
        "Chamfer: sum of the mean |a-b|^2 in both directions, x 1000, 10 000 points, in the truth's normalised space\n"
        "(radius 1/1.03). retrieval: the same for the training shape nearest to the truth. to training: from the\n"
        "prediction to the nearest training shape.",
        markup=False,
    )
    console.print(
        f"medians: {figures['score']:.3f}, retrieval {figures['retrieval']:.3f}; to training "
        f"{figures['to_training']:.3f}, among training shapes {among:.3f}"
    )
    verdict = "" if won > len(rows) / 2 else ": this space is no better than returning the nearest training shape"
    console.print(f"better than retrieval: {won} of {len(rows)}{verdict}")
    if missing:
        say(f"{len(missing)} files have no partner and are left out, first {missing[0].split(' has')[0]}.")
    return 0


def _training_points(run: Path, progress: ProgressCallback) -> dict[str, np.ndarray]:
    """Points of the training shapes of a run of `isofield train`, from the meshes of their codes, or of a folder."""
    from isofield import api, folder_format
    from isofield.evaluate.retrieval import normalised_points, training_points

    run = folder_format.resolve(run)
    if not (run / folder_format.CONFIG).is_file():
        return training_points(run)
    space, training = api.load_run(run), dict[str, "np.ndarray"]()
    for id_, code in zip(space.ids, space.codes, strict=True):
        progress(f"meshes of {len(space.ids)} training codes", len(training) / len(space.ids))
        training[id_] = normalised_points(space.sdf(code).mesh(CODE_RESOLUTION), id_)
    return training
