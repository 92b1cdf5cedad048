"""Spaces of several methods on the same data, in one table: trained, and scored on unseen shapes.

Every shape is scored in the frame of the data, its own normalised space or the one that all shapes share, on 10 000
points of its mesh and of its truth's:

    chamfer    sum of the two mean squared distances, x 1000 (`evaluate.retrieval`; in papers in the meshes' own units)
    accuracy   the distance within which 90 % of the mesh lies of the truth
    cosine     mean of the absolute cosine between normals at nearest points, both ways
    emd        mean distance of the best one-to-one assignment of 500 points (Park et al. 2019, section 6)

beside *retrieval*, the training shape with the least true Chamfer distance, and the *floor*, the truth against itself.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from isofield import io
from isofield.api.inference import infer_all
from isofield.api.loading import load_run
from isofield.api.observations import of_prepared
from isofield.api.space import ShapeSpace
from isofield.api.training import train
from isofield.configs.methods import SPACES, find_method
from isofield.configs.training import training_of
from isofield.datasets import Prepared, by_kind, ids_of
from isofield.errors import InputError, join_names
from isofield.evaluate import distances as measure
from isofield.evaluate import shapes_in
from isofield.evaluate.retrieval import POINTS, chamfer, nearest
from isofield.evaluate.surface_samples import SurfaceSamples, sample_surface
from isofield.files import write_text
from isofield.folder_format import CONFIG
from isofield.threads import parallel_map
from isofield.types import ProgressCallback, Similarity

CELLS = 128
"""Resolution of the meshes of networks; grids have their own."""
EMD = 500
"""Points of an assignment."""
SCORES = ("chamfer", "accuracy", "cosine", "emd")
TIMES = "seconds.json"
"""The file of training times, beside the spaces."""
FIGURES = (
    "megabytes", "kilobytes_a_shape", "training_seconds", "seconds_a_shape", "median", "mean", "worst",
    "better_than_retrieval", "accuracy", "cosine", "emd",
)  # fmt: skip
"""The columns of the table, after the name and the number of shapes."""


@dataclass(frozen=True)
class Truths:
    """The test shapes. points: of their surfaces with normals, normalised; again: other points of them. retrieval: the
    Chamfer distance of the best training shape to each."""

    points: dict[str, SurfaceSamples]
    again: dict[str, SurfaceSamples]
    retrieval: dict[str, float]


def benchmark(
    candidates: Mapping[str, tuple[str, Any]],
    data: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    out: str | os.PathLike[str],
    split: str | os.PathLike[str],
    *,
    seeds: int = 1,
    refine: bool = True,
    most: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[dict[str, Any]]:
    """Learns a space by each method on the part "train" of a split, and scores it on the part "test": rows of a table.

    candidates: method and settings, by the name of their row. data: what `isofield prepare` wrote. truth: the folder of
    the true meshes, ID with any extension, in the units of what was prepared. out: gets a run for each method and seed;
    existing ones are not learned again. seeds: of methods that depend on it. refine: a second row, with the field
    corrected after the code. most: most test shapes. A row has the mean over the seeds, and the `deviation`, of each of
    `FIGURES`. Raises InputError for data that cannot be learned from, and missing truths.
    """
    if seeds < 1:
        raise InputError(f"there are no {seeds} seeds: give 1 or more.")
    folder, report = Path(out), progress or (lambda stage, fraction: None)
    train_ids, test_ids = ids_of(data, split, "train"), ids_of(data, split, "test")[:most]
    if not test_ids or set(train_ids) & set(test_ids):
        raise InputError(f"{split} has no test shapes that are not trained with: make one with `isofield split`.")
    first, config = next(iter(candidates.values()))
    kind = find_method(first, SPACES).kinds(config)[0]
    truths = _truths(Path(data), kind, Path(truth), train_ids, test_ids, report)
    rows: list[dict[str, Any]] = []
    for name, (method, settings) in candidates.items():
        solved = training_of(settings) is None  # the same for every seed
        runs = []
        for seed in range(1 if solved else seeds):
            run = folder / (name if seed == 0 else f"{name}-seed{seed}")
            runs.append((run, _learned(method, settings, data, run, split, seed, folder, report)))
        for refined in (False, True) if refine else (False,):
            each = [_scored(run, space, data, test_ids, truths, refined, folder, report) for run, space in runs]
            rows.append(_row(f"{name}, refined" if refined else name, len(test_ids), each))
    floor = [chamfer(truths.again[id_].points, truths.points[id_].points) for id_ in test_ids]
    rows.append(_row("retrieval", len(test_ids), [_spread([truths.retrieval[id_] for id_ in test_ids])]))
    rows.append(_row("floor", len(test_ids), [_spread(floor)]))
    return rows


def _learned(
    method: str, settings: Any, data: str | os.PathLike[str], run: Path, split: str | os.PathLike[str], seed: int,
    folder: Path, report: ProgressCallback,
) -> ShapeSpace:  # fmt: skip
    """The space of a run, which is learned if it does not exist."""
    if (run / CONFIG).is_file():
        space = load_run(run)
        if space.config != settings:
            raise InputError(f"{run} was learned with other settings: choose another folder, or remove it.")
        return space
    began = time.perf_counter()
    train(method, data, run, settings, split=split, seed=seed, progress=report)
    times = _times(folder) | {run.name: round(time.perf_counter() - began, 1)}
    write_text(folder / TIMES, json.dumps(times, indent=1))
    return load_run(run)


def _times(folder: Path) -> dict[str, float]:
    path = folder / TIMES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _scored(
    run: Path, space: ShapeSpace, data: str | os.PathLike[str], test_ids: Sequence[str], truths: Truths, refine: bool,
    folder: Path, report: ProgressCallback,
) -> dict[str, float]:  # fmt: skip
    """The figures of a space."""
    scores: list[tuple[float, ...]] = []
    seconds: list[float] = []
    for shape in of_prepared(by_kind(data, space.kinds, test_ids), space.prepare):
        report(f"{run.name}: {len(test_ids)} shapes", len(scores) / len(test_ids))
        began = time.perf_counter()
        sdf = next(infer_all(space, [shape], refine)).sdf
        seconds.append(time.perf_counter() - began)
        mesh = sdf.mesh(None if sdf.kind == "grid" else CELLS)
        scores.append(score(_samples(mesh, sdf.similarity, shape.id, 1), truths.points[shape.id]))
    table = np.array(scores)
    size = (run / "space.safetensors").stat().st_size - space.codes.nbytes
    won = sum(one[0] < truths.retrieval[id_] for one, id_ in zip(scores, test_ids, strict=True))
    return {
        "megabytes": size / 1e6, "kilobytes_a_shape": (4 * space.length + size / len(space.shapes)) / 1e3,
        "training_seconds": _times(folder).get(run.name, float("nan")), "seconds_a_shape": float(np.mean(seconds)),
        **_spread(table[:, 0]), "better_than_retrieval": float(won),
        **{name: float(np.median(table[:, column])) for column, name in enumerate(SCORES) if column},
    }  # fmt: skip


def score(pred: SurfaceSamples, truth: SurfaceSamples) -> tuple[float, float, float, float]:
    """`SCORES` of a shape, both in the frame of the data."""
    matched = measure.match(pred, truth)
    cosine = measure.normal_consistency(matched)
    return (
        chamfer(pred.points, truth.points), measure.mesh_accuracy(matched), float("nan") if cosine is None else cosine,
        measure.earth_mover(pred.points[:EMD], truth.points[:EMD]),
    )  # fmt: skip


def _truths(
    data: Path, kind: str, truth: Path, train_ids: Sequence[str], test_ids: Sequence[str], report: ProgressCallback
) -> Truths:
    """Points of the true shapes, and their retrieval among the training shapes. kind: a kind of samples of the data."""
    ways = {record.id: record.similarity for record in Prepared(data, kind).records}
    meshes = {id_: io.read(path) for id_, path in _files(truth, test_ids).items()}
    points = {id_: _samples(mesh, ways[id_], id_, 2) for id_, mesh in meshes.items()}
    again = {id_: _samples(mesh, ways[id_], id_, 3) for id_, mesh in meshes.items()}
    report(f"retrieval among {len(train_ids)} training shapes", 0.0)
    files = shapes_in(truth)
    names = [id_ for id_ in train_ids if id_ in files]
    if not names:
        raise InputError(f"{truth} holds no training shape: give the folder of all true meshes.")

    def placed(id_: str) -> np.ndarray:
        points = sample_surface(io.read(files[id_]), POINTS, np.random.default_rng(0), id_).points
        return ways[id_].apply(points)

    training = dict(zip(names, parallel_map(placed, names), strict=True))
    return Truths(points, again, {id_: nearest(points[id_].points, training)[1] for id_ in test_ids})


def _files(folder: Path, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each shape. Raises InputError where one is missing."""
    files = shapes_in(folder)
    missing = [id_ for id_ in ids if id_ not in files]
    if missing:
        raise InputError(
            f"{folder} has no true meshes of {len(missing)} shapes ({join_names(missing, 3)}): give the "
            "folder whose files have the names of the shapes."
        )
    return {id_: files[id_] for id_ in ids}


def _samples(shape: Any, similarity: Similarity, name: str, seed: int) -> SurfaceSamples:
    """Points of a mesh with normals, by a similarity into the normalised space."""
    if not isinstance(shape, trimesh.Trimesh):
        raise InputError(f"the truth of {name} has no faces: give meshes.")
    moved = trimesh.Trimesh(similarity.apply(shape.vertices), shape.faces, process=False)
    return sample_surface(moved, POINTS, np.random.default_rng([seed, *name.encode()]), name)


def _spread(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(values)), "mean": float(np.mean(values)), "worst": float(np.max(values))}


def _row(name: str, count: int, each: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """A row: means over the seeds, and their deviations."""
    columns = {figure: [one[figure] for one in each] for figure in FIGURES if figure in each[0]}
    means = {figure: float(np.mean(values)) for figure, values in columns.items()}
    deviation = {name: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0 for name, values in columns.items()}
    return {"name": name, "shapes": count, "seeds": len(each), **means, "deviation": deviation}


def latex(rows: Sequence[Mapping[str, Any]], text: Callable[[Mapping[str, Any], str], str]) -> str:
    """The table in LaTeX (booktabs); text: the content of the cell of a row and a figure."""
    head = " & ".join(["method", *(figure.replace("_", " ") for figure in FIGURES)])
    lines = [" & ".join([str(row["name"]), *(text(row, figure) for figure in FIGURES)]) for row in rows]
    body = " \\\\\n".join(lines)
    columns = "l" + "r" * len(FIGURES)
    whole = f"\\toprule\n{head} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n"
    return f"\\begin{{tabular}}{{{columns}}}\n{whole}\\end{{tabular}}\n"
