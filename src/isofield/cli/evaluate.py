"""`isofield evaluate PRED TRUTH`: metrics of results against their truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from isofield.cli import evaluate_runs, output, scores_output
from isofield.cli.errors import say
from isofield.cli.parsing import Argument, Flag, Folder, Json, JsonFile
from isofield.cli.progress import shown
from isofield.errors import InputError
from isofield.files import check_output

SAMPLES = 100_000
"""Points drawn from each surface, without a protocol."""


def evaluate(
    pred: Argument,
    truth: Argument,
    *,
    samples: Annotated[int | None, tyro.conf.arg(help_behavior_hint="")] = None,
    thresholds: tuple[float, ...] = (0.005, 0.01, 0.02),
    seed: int = 0,
    floor: bool = True,
    json: Json = False,
    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv", help_behavior_hint="")] = None,
    heatmap: Annotated[Path | None, tyro.conf.arg(metavar="FILE.ply", help_behavior_hint="")] = None,
    heatmap_top: Annotated[float | None, tyro.conf.arg(metavar="DISTANCE", help_behavior_hint="")] = None,
    novelty: Annotated[Path | None, tyro.conf.arg(metavar="RUN", help_behavior_hint="")] = None,
    split: JsonFile = None,
    fast: Flag = False,
    protocol: Annotated[Literal["dfaust", "occupancy-networks"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    scans: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="")] = None,
    pages: Folder = None,
) -> int:
    """Compare results with their truth: Chamfer distances, F-score, normals, Hausdorff, IoU, and more.

    The exit status is 1 if a file has no partner or a pair cannot be scored.

    Args:
        pred: A mesh or point cloud, or a folder of them; or a run of `isofield train`: the quick evaluation, how well
            the space and its snapshots tell inside from outside for the shapes of TRUTH, a prepared data set with
            occupancy or signed samples.
        truth: The true shape, or a folder with files of the same names (extensions may differ).
        samples: Points drawn from each surface, uniform by area (default: 100 000; 30 000 with --protocol dfaust).
        thresholds: Thresholds of the F-score, as fractions of the diagonal of the truth's bounding box.
        seed: Seed of the sampling; the same seed gives the same numbers.
        floor: Also show what the truth scores against itself.
        csv: Write the numbers to this file, one line per pair.
        heatmap: Write the prediction to this file, coloured by its distance to the truth.
        heatmap_top: Distance at the end of the heatmap's scale, in the files' units (default: the 99th percentile).
        novelty: A run of `isofield train`, or a folder of its training shapes: compare the predictions with the nearest
            training shapes, and with the training shapes that are nearest to the truth (retrieval).
        split: The ids to compare of folders, the part "test" of the file where it has parts (default: all files).
        fast: The quick evaluation, without meshes; a run as PRED implies it.
        protocol: dfaust: one-sided and two-sided Chamfer distances of bodies to TRUTH, their registrations, and to
            their raw scans, with percentiles, as SAL and SALD measure them; what has no result counts as the worst.
            occupancy-networks: IoU, Chamfer-L1, normals and F-score in the unit cube of TRUTH, with means by class (the
            first folder of a name), as Occupancy Networks measures them; what has no result counts as the worst, and
            --csv also writes the means, beside FILE.
        scans: The raw scan, or a folder of scans with the same names; the protocol is dfaust.
        pages: Write a page for each scan (scan, result, registration) and an index here; the protocol is dfaust.
    """
    from isofield.evaluate import folders

    if scans is not None or pages is not None:
        if protocol == "occupancy-networks":
            raise InputError("--scans and --pages are for --protocol dfaust: leave them out with occupancy-networks.")
        protocol = "dfaust"
    if evaluate_runs.is_run(pred):
        if protocol is not None or novelty is not None or heatmap is not None:
            raise InputError(f"{pred} is a run, without meshes: leave --protocol, --novelty and --heatmap out.")
        return evaluate_runs.checkpoints(pred, truth, split, json, csv)
    if fast:
        raise InputError(
            f"{pred} is not a run of `isofield train`: --fast compares the fields of a run with the samples of a "
            "prepared data set; give these two, or leave it out."
        )
    for path in (pred, truth):
        _check_shape(path)
    if heatmap is not None:
        if pred.is_dir() or truth.is_dir():
            raise InputError("--heatmap colours one prediction, not a folder: give two files.")
        check_output(heatmap, ("ply",))
    elif heatmap_top is not None:
        raise InputError("--heatmap-top is the end of a heatmap's scale: give --heatmap FILE.ply, too.")
    if csv is not None:
        check_output(csv, ("csv",))
    if protocol is not None and (heatmap is not None or novelty is not None):
        raise InputError("--heatmap and --novelty do not go with --protocol: give them in a run of their own.")

    chosen = None if split is None else _chosen(truth, split)
    scoring = _Scoring(pred, truth, chosen, samples, seed, json, csv)
    if protocol == "occupancy-networks":
        return _occupancy_networks(scoring)
    if protocol == "dfaust":
        return _dfaust(scoring, scans, floor, pages)
    if novelty is not None:
        return evaluate_runs.novelty(*folders.pairs(pred, truth, chosen), novelty, json, csv)
    status = _metrics(scoring, floor, thresholds)
    if heatmap is not None:
        _colour(pred, truth, heatmap, heatmap_top, json)
    return status


@dataclass(frozen=True)
class _Scoring:
    """What is compared, how, and where the scores go. chosen: the names of the files to compare; None for all.
    samples: points drawn from each surface; None for the protocol's own number."""

    pred: Path
    truth: Path
    chosen: set[str] | None
    samples: int | None
    seed: int
    json: bool
    csv: Path | None


def _check_shape(path: Path) -> None:
    """Raises InputError for a field folder, naming the mesh beside the field or how to make it."""
    if (path / "field.safetensors").is_file():
        made = path / "mesh.ply"
        has = f"give its mesh, {made}" if made.is_file() else f"make its mesh: isofield mesh {path} -o mesh.ply"
        raise InputError(f"{path} is a field folder, not a mesh or point cloud: {has}.")


def _metrics(of: _Scoring, floor: bool, thresholds: tuple[float, ...]) -> int:
    """Scores two files, or two folders, with every metric; two files that cannot be scored raise InputError."""
    from rich.console import Console
    from rich.progress import track

    from isofield.evaluate import folders, metrics, tables

    pairs, missing = folders.pairs(of.pred, of.truth, of.chosen)
    single, count = not of.pred.is_dir(), SAMPLES if of.samples is None else of.samples
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    shown = track(pairs, "comparing", console=errors, transient=True, disable=single or not errors.is_terminal)
    results = folders.Results(
        [folders.compare_pair(pair, samples=count, seed=of.seed, floor=floor, thresholds=thresholds) for pair in shown],
        missing,
    )
    if single and results.failed:
        raise InputError(results.failed[0].problem)
    rows = metrics(thresholds)
    return scores_output.written(results, rows, lambda console: tables.show(console, results, rows), of.json, of.csv)


def _colour(pred: Path, truth: Path, path: Path, top: float | None, json: bool) -> None:
    """Writes the heatmap of a prediction and prints its scale, beside JSON on standard error."""
    from rich.console import Console

    from isofield.evaluate import heatmaps, tables
    from isofield.io import read

    heat = heatmaps.heatmap(read(pred), read(truth), top=top)
    heatmaps.write(heat, path)
    console = Console(stderr=True, highlight=False) if json else scores_output.console()
    console.print(tables.scale(heat), soft_wrap=True)


def _dfaust(of: _Scoring, scans: Path | None, floor: bool, pages: Path | None) -> int:
    """Scores reconstructions of bodies with `evaluate.dfaust`; prints tables, writes CSV and pages."""
    from isofield.evaluate import dfaust, percentiles, scan_pages
    from isofield.evaluate.dfaust import METRICS

    every, missing = dfaust.triples(of.pred, of.truth, scans, of.chosen)
    with shown("dfaust", True) as report:
        count = dfaust.POINTS if of.samples is None else of.samples
        results = dfaust.evaluate(every, samples=count, seed=of.seed, floor=floor, missing=missing, progress=report)
        written = [] if pages is None else scan_pages.write(pages, every, results, report)
    scores_output.check_scored(results)
    legend, figures = dfaust.LEGEND.format(count=count, seed=of.seed), percentiles.to_json(results, METRICS)
    status = scores_output.written(
        results, METRICS, lambda console: percentiles.show(console, results, METRICS, legend), of.json, of.csv,
        {"percentiles": figures},
    )  # fmt: skip
    if written:
        say(f"next: open {output.quoted(written[-1])}")
    return status


def _occupancy_networks(of: _Scoring) -> int:
    """Scores reconstructions with `evaluate.occupancy_networks`; prints the means of classes, writes CSV."""
    from isofield.evaluate import occupancy_networks as protocol
    from isofield.evaluate import tables

    count = protocol.POINTS if of.samples is None else of.samples
    with shown("occupancy-networks", True) as report:
        results = protocol.evaluate(of.pred, of.truth, of.chosen, samples=count, seed=of.seed, progress=report)
    scores_output.check_scored(results)
    rows = protocol.classes([scores for _, scores in results.scored])
    legend = protocol.LEGEND.format(count=count, seed=of.seed)
    if of.csv is not None:
        output.write_table(rows, of.csv.with_name(f"{of.csv.stem}-classes.csv"))
    return scores_output.written(
        results, protocol.METRICS, lambda console: tables.show_classes(console, rows, protocol.METRICS, legend),
        of.json, of.csv, {"classes": rows},
    )  # fmt: skip


def _chosen(truth: Path, split: Path) -> set[str]:
    """The names of a split among the files of a folder."""
    from isofield.datasets import splits
    from isofield.evaluate import folders

    if not truth.is_dir():
        raise InputError(f"--split chooses among the files of folders, and {truth} is a file: leave it out.")
    return splits.matching(folders.shapes_in(truth), splits.read_split(split, "test"), str(split))
