"""The protocol of Occupancy Networks (Mescheder et al. 2019; `eval_meshes.py` of the released code), class by class.

Every pair is moved so that the box of its truth is centred, with a longest side of 1. P are 100 000 samples of the
prediction, T of the truth, uniform by area; d is the distance to the nearest sample of the other. The volumes are
compared at 100 000 points, uniform in the cube of side 1.1, as the released data set has them. Chamfer distances are in
units of a tenth of the longest side, as the paper's tables have them; the released code prints a tenth of these numbers
(and a hundredth of Chamfer-L2).

What differs: a missing or empty prediction counts, with the worst numbers (IoU, normals and F-score 0; distances of
sqrt(3) longest sides, as the released code has them for its accuracy and completeness), where the released code leaves
it out of its Chamfer distances; it counts -1 as the normals of an empty mesh. Inside is where the absolute winding
number exceeds 1/2, also of a prediction with holes. The F-score, at 1 % of the longest side, is of later papers
(Tatarchenko et al. 2019, "What Do Single-view 3D Reconstruction Networks Learn?").
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.evaluate import distances as d
from isofield.evaluate.comparison import SAMPLES, SEED, Scores, score
from isofield.evaluate.distances import Matches, match
from isofield.evaluate.folders import Pair, Result, Results, named
from isofield.evaluate.metric import Metric, Score
from isofield.evaluate.surface_samples import check_sampling, read_surface, sample_surface, used_points
from isofield.evaluate.topology import topology
from isofield.solids.triangles import inside_of
from isofield.types import ProgressCallback

POINTS = 100_000
"""Samples of a surface, and points of the volumes."""
SIDE = 1.1
"""Side of the cube of these points, in longest sides of the truth's box."""
WORST = math.sqrt(3)
"""The distance, in longest sides, that a missing surface counts as."""
THRESHOLD = 0.01
"""Threshold of the F-score, in longest sides."""
TENTHS = "longest side / 10"
CLASS, MISSING = "class", "missing"
"""Keys of a shape's class, and of whether it has no prediction with a surface."""
WITHOUT = "all"
"""The class of shapes that are in no folder."""


@dataclass(frozen=True)
class Match:
    """A prediction beside its truth in the unit cube. matches: between their samples. iou: None where the truth is not
    closed."""

    matches: Matches
    iou: float | None


def evaluate(
    pred: str | os.PathLike[str], truth: str | os.PathLike[str], ids: Collection[str] | None = None, *,
    samples: int = POINTS, seed: int = 0, progress: ProgressCallback | None = None,
) -> Results:  # fmt: skip
    """Scores the predictions of all truths, two files or two folders matched by name, with `METRICS`.

    A class is the first folder of a name. ids: the names to take of folders, by default all. A truth whose prediction
    is missing, empty or damaged is a Result with the worst scores and its problem; one that cannot be read itself has
    no scores. Raises InputError for options out of range, and as `folders.named` does.
    """
    check_sampling(samples, seed)
    predictions, truths = named(pred, truth, ids)
    missing = [f"{predictions[name]} has no partner in {truth}." for name in sorted(predictions.keys() - truths.keys())]
    results: list[Result] = []
    for row, name in enumerate(sorted(truths)):
        if progress is not None:
            progress(f"{len(truths)} shapes", row / len(truths))
        results.append(_result(name, predictions.get(name), truths[name], samples, seed))
    return Results(results, missing)


def _result(name: str, pred: Path | None, truth: Path, samples: int, seed: int) -> Result:
    pair = Pair(name, pred or Path(), truth)
    about: Scores = {CLASS: class_of(name), MISSING: True}
    try:
        right = read_surface(truth)
    except InputError as problem:
        return Result(pair, None, str(problem))
    try:
        if pred is None:
            raise InputError(f"{name} has no prediction for {truth}.")
        found = compare(read_surface(pred), right, samples=samples, seed=seed)
        return Result(pair, {**about, MISSING: False, **found})
    except InputError as problem:
        closed = topology(right).watertight
        worst = {metric.key: score(metric, _nothing(closed)) for metric in METRICS}
        return Result(pair, {**about, **worst, SAMPLES: samples, SEED: seed}, str(problem))


def class_of(name: str) -> str:
    """The class of a shape: the first folder of its name."""
    return name.split("/")[0] if "/" in name else WITHOUT


def compare(pred: trimesh.Trimesh, truth: trimesh.Trimesh, *, samples: int = POINTS, seed: int = 0) -> Scores:
    """{key: number} of one prediction by `METRICS`. Raises InputError where a shape cannot be sampled."""
    corners = used_points(truth, "the truth")
    low, high = corners.min(0), corners.max(0)
    pred, truth = (_moved(one, (low + high) / 2, float((high - low).max())) for one in (pred, truth))
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(3)]
    drawn = sample_surface(pred, samples, streams[0], "the prediction")
    reference = sample_surface(truth, samples, streams[1], "the truth")
    volume = None
    if topology(truth).watertight:
        points = streams[2].uniform(-SIDE / 2, SIDE / 2, (POINTS, 3))
        inside = [inside_of(one.vertices, one.faces, outward=False)(points) for one in (pred, truth)]
        union = int((inside[0] | inside[1]).sum())
        volume = float((inside[0] & inside[1]).sum() / union) if union else None
    found = Match(match(drawn, reference), volume)
    return {metric.key: score(metric, found) for metric in METRICS} | {SAMPLES: samples, SEED: seed}


def _moved(mesh: trimesh.Trimesh, center: np.ndarray, side: float) -> trimesh.Trimesh:
    vertices = (np.asarray(mesh.vertices, np.float64) - center) / side
    return trimesh.Trimesh(vertices, np.asarray(mesh.faces), process=False)


def _nothing(closed: bool) -> Match:
    """What a prediction without a surface counts as."""
    distance, cosine = np.array([WORST]), np.zeros(1)
    return Match(Matches(distance, distance, cosine, cosine), 0.0 if closed else None)


def classes(every: Sequence[Mapping[str, Score]]) -> list[dict[str, float | int | str | None]]:
    """One row a class: its name, "shapes", how many are "missing", and the mean of each number; then the mean over the
    classes, and the mean over all shapes. every: the scores of shapes; those whose truth cannot be read have none."""
    members = defaultdict[str, list[Mapping[str, Score]]](list)
    for scores in every:
        members[str(scores[CLASS])].append(scores)
    rows = [_row(name, members[name]) for name in sorted(members)]
    if not rows:
        return []
    over = {m.key: _mean([row[m.key] for row in rows]) for m in METRICS}
    total = _row("mean over shapes", every)
    return [*rows, {**total, CLASS: "mean over classes", **over}, total]


def _row(name: str, members: Sequence[Mapping[str, Score]]) -> dict[str, float | int | str | None]:
    means = {m.key: _mean([scores.get(m.key) for scores in members]) for m in METRICS}
    return {CLASS: name, "shapes": len(members), MISSING: sum(bool(one[MISSING]) for one in members), **means}


def _mean(values: Sequence[object]) -> float | None:
    numbers = [float(value) for value in values if isinstance(value, (int, float))]
    return sum(numbers) / len(numbers) if numbers else None


METRICS: tuple[Metric[Match], ...] = (
    Metric("iou", "IoU", "up", "share", "points inside both / points inside one of them, of 100 000 in the cube",
           lambda m: m.iou, column="IoU"),
    Metric("chamfer_l1", "Chamfer-L1", "down", TENTHS, "(mean d(P,T) + mean d(T,P)) / 2",
           lambda m: 10 * d.chamfer_l1(m.matches), column="Chamfer-L1"),
    Metric("chamfer_l2", "Chamfer-L2", "down", f"({TENTHS})²", "(mean d(P,T)² + mean d(T,P)²) / 2",
           lambda m: 100 * d.chamfer_l2(m.matches)),
    Metric("accuracy", "accuracy", "down", TENTHS, "mean d(P,T)", lambda m: 10 * float(m.matches.forward.mean())),
    Metric("completeness", "completeness", "down", TENTHS, "mean d(T,P)",
           lambda m: 10 * float(m.matches.backward.mean())),
    Metric("normal_consistency", "normal consistency", "up", "cosine",
           "(mean |n(p).n(t)| over P + the same over T) / 2, normals of nearest samples",
           lambda m: d.normal_consistency(m.matches), column="normals"),
    Metric("f_score", "F-score at 1 %", "up", "share",
           "2 p r / (p + r): p = share of P with d <= 1 % of the longest side, r = that of T",
           lambda m: d.precision_recall_f(m.matches, THRESHOLD)[2], column="F 1 %"),
)  # fmt: skip
"""The metrics of the protocol, with the released code's names."""

LEGEND = (
    "P, T: {count} points of prediction and truth, uniform by area (seed {seed}); d: distance to the nearest point of "
    "the other. A missing or empty prediction counts: IoU, normals and F-score 0, distances sqrt(3) longest sides."
)
