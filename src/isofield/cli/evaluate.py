"""`isofield evaluate PRED TRUTH`: how far results are from their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


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
    """
    import sys

    from rich.console import Console
    from rich.progress import track

    from isofield import shapes
    from isofield.errors import InputError
    from isofield.evaluate import folders, heatmaps, tables

    for path in (pred, truth):
        if (path / "field.safetensors").is_file():
            made = path / "mesh.ply"
            has = f"give its mesh, {made}" if made.is_file() else f"make its mesh: isofield mesh {path} -o mesh.ply"
            raise InputError(f"{path} is a field folder, and meshes or clouds are compared: {has}.")
    single = not pred.is_dir() and not truth.is_dir()
    if heatmap is not None:
        if not single:
            raise InputError("--heatmap colours one prediction, but two folders are given; give two files.")
        shapes.check_output(heatmap, ("ply",))
    if csv is not None:
        shapes.check_output(csv, ("csv",))

    pairs, missing = folders.pairs(pred, truth)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    shown = track(pairs, "comparing", console=errors, transient=True, disable=single or not errors.is_terminal)
    results = folders.Results(
        [folders.compare_pair(pair, samples=samples, seed=seed, floor=floor, thresholds=thresholds) for pair in shown],
        missing,
    )
    if single and results.failed:
        raise InputError(results.failed[0].problem)
    for sentence in [*missing, *(result.problem for result in results.failed)]:
        errors.print(sentence, markup=False)

    # A pipe has no width of its own, and tables that are cut to 80 columns cannot be read.
    output = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if json:
        print(tables.to_json(results, thresholds))
    else:
        tables.show(output, results, thresholds)
    if csv is not None:
        with shapes.replacing(csv) as beside:
            beside.write_text(tables.to_csv(results), encoding="utf-8")
    if heatmap is not None:
        picture = heatmaps.heatmap(shapes.read(pred), shapes.read(truth), top=heatmap_top)
        heatmaps.write(picture, heatmap)
        (errors if json else output).print(tables.scale(picture), soft_wrap=True)
    return 0 if results.complete else 1
