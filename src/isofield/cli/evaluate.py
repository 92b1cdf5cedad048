"""`isofield evaluate PRED TRUTH`: metrics of results against their truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from isofield.evaluate import Pair, Results
    from isofield.types import ProgressCallback

SAMPLES = 100_000
"""Points drawn from each surface, without a protocol."""
NAMED = 10
"""Most files without a partner that are named."""
CODE_RESOLUTION = 64
"""Resolution of the meshes of training codes for --novelty."""


def evaluate(
    pred: Annotated[Path, tyro.conf.Positional],
    truth: Annotated[Path, tyro.conf.Positional],
    *,
    samples: Annotated[int | None, tyro.conf.arg(help_behavior_hint="")] = None,
    thresholds: tuple[float, ...] = (0.005, 0.01, 0.02),
    seed: int = 0,
    floor: bool = True,
    json: bool = False,
    csv: Path | None = None,
    heatmap: Path | None = None,
    heatmap_top: float | None = None,
    novelty: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="")] = None,
    split: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None,
    protocol: Annotated[Literal["dfaust", "occupancy-networks"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    scans: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="")] = None,
    pages: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    fast: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Compare results with their truth: Chamfer distances, F-score, normals, Hausdorff, IoU, and more.

    The exit status is 1 if a file has no partner or a pair cannot be scored.

    Args:
        pred: A mesh or point cloud, or a folder of them.
        truth: The true shape, or a folder with files of the same names (extensions may differ).
        samples: Points drawn from each surface, uniform by area (default: 100 000; 30 000 with --protocol dfaust).
        thresholds: Thresholds of the F-score, as fractions of the diagonal of the truth's bounding box.
        seed: Seed of the sampling; the same seed gives the same numbers.
        floor: Also show what the truth scores against itself.
        json: Print JSON instead of the table.
        csv: Write the numbers to this file, one line per pair.
        heatmap: Write the prediction, coloured by its distance to the truth, to this .ply file.
        heatmap_top: Distance at the end of the heatmap's scale, in the files' units (default: the 99th percentile).
        novelty: A run of `isofield train`, or a folder of its training shapes: compare the predictions with the nearest
            training shapes, and with the training shapes that are nearest to the truth (retrieval).
        split: The ids to compare of folders, the part "test" of the file where it has parts (default: all files).
        protocol: dfaust: one-sided and two-sided Chamfer distances of bodies to TRUTH, their registrations, and to
            their raw scans, with percentiles, as SAL and SALD measure them; what has no result counts as the worst.
            occupancy-networks: IoU, Chamfer-L1, normals and F-score in the unit cube of TRUTH, with means by class (the
            first folder of a name), as Occupancy Networks measures them; what has no result counts as the worst, and
            --csv also writes the means, beside FILE.
        scans: With --protocol dfaust: the raw scan, or a folder of scans with the same names.
        fast: PRED is a run of `isofield train`, TRUTH a prepared data set with occupancy samples: how well the space
            and its snapshots tell inside from outside for held-out shapes, without meshes; names the best.
        pages: With --protocol dfaust: write a page for each scan (scan, result, registration) and an index here.
    """
    from rich.console import Console
    from rich.progress import track

    from isofield.errors import InputError
    from isofield.evaluate import folders, heatmaps, metrics, tables
    from isofield.io import check_output, read

    if fast:
        if protocol is not None or novelty is not None or heatmap is not None:
            raise InputError("--fast has no meshes: leave --protocol, --novelty and --heatmap out.")
        return _fast(pred, truth, split, json, csv)
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
    if protocol != "dfaust" and (scans is not None or pages is not None):
        raise InputError("--scans and --pages belong to a protocol: add --protocol dfaust.")
    if protocol is not None and (heatmap is not None or novelty is not None):
        raise InputError("--heatmap and --novelty do not go with --protocol: give them in a run of their own.")

    chosen = None if split is None else _chosen(truth, split)
    if protocol == "occupancy-networks":
        return _occupancy_networks(pred, truth, chosen, samples, seed, json, csv)
    if protocol is not None:
        return _dfaust(pred, truth, scans, chosen, samples, seed, floor, json, csv, pages)
    samples = SAMPLES if samples is None else samples
    pairs, missing = folders.pairs(pred, truth, chosen)
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
    _print_problems(results)
    output = _output()
    if json:
        print(tables.to_json(results, metrics(thresholds)))
    else:
        tables.show(output, results, metrics(thresholds))
    _write_csv(results, csv)
    if heatmap is not None:
        heat = heatmaps.heatmap(read(pred), read(truth), top=heatmap_top)
        heatmaps.write(heat, heatmap)
        (errors if json else output).print(tables.scale(heat), soft_wrap=True)
    return 0 if results.complete else 1


def _dfaust(
    pred: Path, truth: Path, scans: Path | None, chosen: set[str] | None, samples: int | None, seed: int, floor: bool,
    json: bool, csv: Path | None, pages: Path | None,
) -> int:  # fmt: skip
    """Scores reconstructions of bodies with `evaluate.dfaust`; prints tables, writes CSV and pages."""
    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.errors import InputError
    from isofield.evaluate import dfaust, percentiles, scan_pages, tables
    from isofield.evaluate.dfaust import METRICS

    every, missing = dfaust.triples(pred, truth, scans, chosen)
    with shown("dfaust", True) as report:
        count = dfaust.POINTS if samples is None else samples
        results = dfaust.evaluate(every, samples=count, seed=seed, floor=floor, missing=missing, progress=report)
        written = [] if pages is None else scan_pages.write(pages, every, results, report)
    if not results.scored:
        raise InputError(f"no reconstruction could be scored, first: {results.failed[0].problem}")
    _print_problems(results)
    if json:
        print(tables.to_json(results, METRICS, {"percentiles": percentiles.to_json(results, METRICS)}))
    else:
        percentiles.show(_output(), results, METRICS, dfaust.LEGEND.format(count=count, seed=seed))
    _write_csv(results, csv)
    if written:
        output.note(f"next: open {output.quoted(written[-1])}")
    return 0 if results.complete else 1


def _fast(run: Path, data: Path, split: Path | None, json: bool, csv: Path | None) -> int:
    """Prints how well the checkpoints of a run tell inside from outside."""
    from rich.table import Table

    from isofield.api.validation import LATEST, means, validate
    from isofield.cli import output
    from isofield.cli.progress import shown

    with shown("fast", True) as report:
        rows = validate(run, data, split, progress=report)
    every = means(rows)
    best = max(every, key=lambda row: row["iou"])["checkpoint"]
    if csv is not None:
        output.write_table(rows, csv)
    if json:
        output.print_json({"checkpoints": every, "best": best, "each": rows})
        return 0
    table = Table("checkpoint", "shapes", "IoU ↑", "wrong ↓")
    for row in every:
        mark = " (best)" if row["checkpoint"] == best and len(every) > 1 else ""
        table.add_row(f"{row['checkpoint']}{mark}", str(row["shapes"]), f"{row['iou']:.4f}", f"{row['wrong']:.4f}")
    console = _output()
    console.print(table)
    console.print("means over the shapes, at their occupancy samples", markup=False)
    chosen = "" if best == LATEST else f" --checkpoint {best}"
    output.note(f"next: isofield infer {output.quoted(run)} {output.quoted(data)} -o results{chosen}")
    return 0


def _occupancy_networks(
    pred: Path, truth: Path, chosen: set[str] | None, samples: int | None, seed: int, json: bool, csv: Path | None
) -> int:
    """Scores reconstructions with `evaluate.occupancy_networks`; prints the means of classes, writes CSV."""
    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.errors import InputError
    from isofield.evaluate import class_tables, tables
    from isofield.evaluate import occupancy_networks as protocol

    count = protocol.POINTS if samples is None else samples
    with shown("occupancy-networks", True) as report:
        results = protocol.evaluate(pred, truth, chosen, samples=count, seed=seed, progress=report)
    if not results.scored:
        raise InputError(f"no shape could be scored, first: {results.failed[0].problem}")
    _print_problems(results)
    rows = protocol.classes([scores for _, scores in results.scored])
    if json:
        print(tables.to_json(results, protocol.METRICS, {"classes": rows}))
    else:
        class_tables.show(_output(), rows, protocol.METRICS, protocol.LEGEND.format(count=count, seed=seed))
    _write_csv(results, csv)
    if csv is not None:
        output.write_table(rows, csv.with_name(f"{csv.stem}-classes.csv"))
    return 0 if results.complete else 1


def _chosen(truth: Path, split: Path) -> set[str]:
    """The names of a split among the files of a folder."""
    from isofield.datasets import splits
    from isofield.errors import InputError
    from isofield.evaluate import folders

    if not truth.is_dir():
        raise InputError(f"--split chooses among the files of folders, and {truth} is a file: leave it out.")
    return splits.matching(folders.shapes_in(truth), splits.read_split(split, "test"), str(split))


def _output() -> Console:
    """Standard output; a pipe has no width, and 80 columns would cut the tables."""
    import sys

    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def _print_problems(results: Results) -> None:
    """Files without a partner, and pairs without scores, on standard error."""
    from rich.console import Console

    errors, missing = Console(stderr=True, highlight=False, soft_wrap=True), results.missing
    left = [f"{len(missing) - NAMED} more files have no partner."] if len(missing) > NAMED else []
    for sentence in [*missing[:NAMED], *left, *results.problems]:
        errors.print(sentence, markup=False)


def _write_csv(results: Results, path: Path | None) -> None:
    from isofield.evaluate import tables
    from isofield.files import atomic_write

    if path is not None:
        with atomic_write(path) as beside:
            beside.write_text(tables.to_csv(results), encoding="utf-8")


def _novelty(pairs: Sequence[Pair], missing: Sequence[str], run: Path, json: bool, csv: Path | None) -> int:
    """Prints the table of predictions beside training shapes."""
    from dataclasses import asdict
    from statistics import median

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
    console = _output()
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
