"""`isofield evaluate PRED TRUTH`: metrics of results against their truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    import numpy as np

    from isofield.evaluate import Pair
    from isofield.types import ProgressCallback

NAMED = 10
"""Most files without a partner that are named."""
CODE_RESOLUTION = 64
"""Resolution of the meshes of training codes for --novelty."""


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

    The exit status is 1 if a file has no partner or a pair cannot be scored.

    Args:
        pred: A mesh or point cloud, or a folder of them.
        truth: The true shape, or a folder with files of the same names (extensions may differ).
        samples: Points drawn from each surface, uniform by area.
        thresholds: Thresholds of the F-score, as fractions of the diagonal of the truth's bounding box.
        seed: Seed of the sampling; the same seed gives the same numbers.
        floor: Also show what the truth scores against itself.
        json: Print JSON instead of the table.
        csv: Write the numbers to this file, one line per pair.
        heatmap: Write the prediction, coloured by its distance to the truth, to this .ply file.
        heatmap_top: Distance at the end of the heatmap's scale, in the files' units (default: the 99th percentile).
        novelty: A run of `isofield train`, or a folder of its training shapes: compare the predictions with the nearest
            training shapes, and with the training shapes that are nearest to the truth (retrieval).
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
            raise InputError(f"{path} is a field folder, not a mesh or point cloud: {has}.")
    single = not pred.is_dir() and not truth.is_dir()
    if heatmap is not None:
        if not single:
            raise InputError("--heatmap colours one prediction, not a folder: give two files.")
        check_output(heatmap, ("ply",))
    if csv is not None:
        check_output(csv, ("csv",))

    pairs, missing = folders.pairs(pred, truth)
    if novelty is not None:
        return _novelty(pairs, missing, novelty, json, csv)
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

    # A pipe has no width, and 80 columns would cut the tables.
    output = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if json:
        print(tables.to_json(results, thresholds))
    else:
        tables.show(output, results, thresholds)
    if csv is not None:
        with atomic_write(csv) as beside:
            beside.write_text(tables.to_csv(results), encoding="utf-8")
    if heatmap is not None:
        heat = heatmaps.heatmap(read(pred), read(truth), top=heatmap_top)
        heatmaps.write(heat, heatmap)
        (errors if json else output).print(tables.scale(heat), soft_wrap=True)
    return 0 if results.complete else 1


def _novelty(pairs: Sequence[Pair], missing: Sequence[str], run: Path, json: bool, csv: Path | None) -> int:
    """Prints the table of predictions beside training shapes."""
    import sys
    from dataclasses import asdict
    from statistics import median

    from rich.console import Console
    from rich.table import Table

    from isofield.cli import output
    from isofield.cli.progress import shown
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
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
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
        output.note(f"{len(missing)} files have no partner and are left out, first {missing[0].split(' has')[0]}.")
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
