"""`isofield evaluate PRED TRUTH`: how far results are from their truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from isofield.evaluate import Pair

NAMED = 10
"""So many files without a partner are named."""


def evaluate(
    pred: Annotated[Path, tyro.conf.Positional],
    truth: Annotated[Path, tyro.conf.Positional],
    *,
    samples: int = 100_000,
    thresholds: tuple[float, ...] = (0.005, 0.01, 0.02),
    seed: int = 0,
    floor: bool = True,
    json: bool = False,
    csv: Path | None = None,
    heatmap: Path | None = None,
    heatmap_top: float | None = None,
    novelty: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="")] = None,
) -> int:
    """Compare results with their truth: Chamfer distances, F-score, normals, Hausdorff, IoU, and more.

    Exit status 1 where a file has no partner or a pair cannot be scored.

    Args:
        pred: A mesh or a cloud of points, or a folder of them.
        truth: What it should be, or a folder with files of the same names (extensions may differ).
        samples: Points drawn of each surface, uniform by area.
        thresholds: Of the F-score, as fractions of the diagonal of the truth's bounding box.
        seed: Of the sampling; the same seed gives the same numbers.
        floor: Show what the truth scores against itself, too.
        json: Print JSON instead of the table.
        csv: Write the numbers to this file, one line a pair.
        heatmap: Write the prediction, coloured by its distance to the truth, to this .ply file.
        heatmap_top: The distance at the end of the heatmap's scale, in the files' units; else the 99th percentile.
        novelty: A run of `isofield train`, or a folder of its training shapes: how near predictions are to those, and
            how good the best of those would be in their place.
    """
    import sys

    from rich.console import Console
    from rich.progress import track

    from isofield.errors import InputError
    from isofield.evaluate import folders, heatmaps, tables
    from isofield.files import atomic_write
    from isofield.io import check_output, read

    for path in (pred, truth):
        if (path / "field.safetensors").is_file():
            made = path / "mesh.ply"
            has = f"give its mesh, {made}" if made.is_file() else f"make its mesh: isofield mesh {path} -o mesh.ply"
            raise InputError(f"{path} is a field folder, and meshes or clouds are compared: {has}.")
    single = not pred.is_dir() and not truth.is_dir()
    if heatmap is not None:
        if not single:
            raise InputError("--heatmap colours one prediction, but two folders are given; give two files.")
        check_output(heatmap, ("ply",))
    if csv is not None:
        check_output(csv, ("csv",))

    pairs, missing = folders.pairs(pred, truth)
    if novelty is not None:
        return _beside(pairs, missing, novelty, json, csv)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    shown = track(pairs, "comparing", console=errors, transient=True, disable=single or not errors.is_terminal)
    results = folders.Results(
        [folders.compare_pair(pair, samples=samples, seed=seed, floor=floor, thresholds=thresholds) for pair in shown],
        missing,
    )
    if single and results.failed:
        raise InputError(results.failed[0].problem)
    left = [f"{len(missing) - NAMED} more files have no partner."] if len(missing) > NAMED else []
    for sentence in [*missing[:NAMED], *left, *(result.problem for result in results.failed)]:
        errors.print(sentence, markup=False)

    # A pipe has no width of its own, and tables that are cut to 80 columns cannot be read.
    output = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if json:
        print(tables.to_json(results, thresholds))
    else:
        tables.show(output, results, thresholds)
    if csv is not None:
        with atomic_write(csv) as beside:
            beside.write_text(tables.to_csv(results), encoding="utf-8")
    if heatmap is not None:
        picture = heatmaps.heatmap(read(pred), read(truth), top=heatmap_top)
        heatmaps.write(picture, heatmap)
        (errors if json else output).print(tables.scale(picture), soft_wrap=True)
    return 0 if results.complete else 1


def _beside(pairs: Sequence[Pair], missing: Sequence[str], run: Path, json: bool, csv: Path | None) -> int:
    """The table of predictions beside training shapes."""
    import sys
    from dataclasses import asdict
    from statistics import median

    from rich.console import Console
    from rich.table import Table

    from isofield.api.retrieval import novelties, training_points
    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.evaluate import retrieval

    with shown("novelty", True) as report:
        names, training = training_points(run, report)
        usual = retrieval.usual(training)
        found = novelties(pairs, names, training, report)
    rows = [{"name": pair.name, **asdict(one)} for pair, one in zip(pairs, found, strict=True)]
    won = sum(one.score < one.retrieval for one in found)
    figures = {
        "shapes": len(rows), "better_than_retrieval": won, "score": median(one.score for one in found),
        "retrieval": median(one.retrieval for one in found), "to_training": median(one.to_training for one in found),
        "among_training": usual, "each": rows,
    }  # fmt: skip
    if csv is not None:
        output.write_table(rows, csv)
    if json:
        output.print_json(figures)
        return 0
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    table = Table("shape", "Chamfer", "retrieval", "by", "to training", "nearest")
    for row in rows:
        table.add_row(
            row["name"], f"{row['score']:.3f}", f"{row['retrieval']:.3f}", row["best"], f"{row['to_training']:.3f}",
            row["nearest"],
        )  # fmt: skip
    console.print(table)
    console.print(
        "Chamfer: mean |a-b|^2 one way plus the other, x 1000, 10 000 points, the truth's normalised space (radius "
        "1/1.03).\nretrieval: the same of the best training shape, chosen by the truth. to training: from the "
        "prediction to the nearest\ntraining shape.",
        markup=False,
    )
    console.print(
        f"medians: {figures['score']:.3f}, retrieval {figures['retrieval']:.3f}; to training "
        f"{figures['to_training']:.3f}, among training shapes {usual:.3f}"
    )
    verdict = "" if won > len(rows) / 2 else ": this space has not learned more than to hand out what it was given"
    console.print(f"better than retrieval: {won} of {len(rows)}{verdict}")
    if missing:
        output.note(
            f"{len(missing)} files have no partner, and do not count: the first is {missing[0].split(' has')[0]}."
        )
    return 0
