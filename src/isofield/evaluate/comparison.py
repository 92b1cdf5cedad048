"""One prediction against its truth: every metric, and the floor that sampling sets."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.evaluate.distances import match
from isofield.evaluate.metric import Comparison, Measured, Metric, Score
from isofield.evaluate.metrics import THRESHOLDS, metrics
from isofield.evaluate.surface_samples import SurfaceSamples, check_sampling, halves, sample_surface, used_points
from isofield.evaluate.topology import iou, topology
from isofield.io import shape_of
from isofield.types import Cloud, normalization

MeshOrCloud = trimesh.Trimesh | Cloud
Source = str | os.PathLike[str] | trimesh.Trimesh | Cloud | np.ndarray
Scores = dict[str, Score]
IOU_METHOD, SAMPLES, SEED = "iou_method", "samples", "seed"
"""Keys of scores that are not metrics."""


def compare(
    pred: Source,
    truth: Source,
    *,
    samples: int = 100_000,
    seed: int = 0,
    floor: bool = True,
    thresholds: tuple[float, ...] = THRESHOLDS,
    names: tuple[str, str] = ("the prediction", "the truth"),
) -> Scores:
    """How far a prediction is from its truth: {key: number}, with keys and formulas as in `evaluate.metrics`.

    pred, truth: files, meshes, clouds or points (n, 3), in the same units and axes. samples: points drawn from each
    mesh, uniform by area, and the most that are taken from a cloud. thresholds: of the F-score, fractions of the
    diagonal of the truth's bounding box. Numbers that clouds do not have (volume, topology, normals where the cloud has
    none) are None.

    Beside each number x of the prediction stands the truth's own: `floor_x`, from two independent sets of samples of
    the truth (one of them as large as the prediction's; of a cloud, two halves), is what a perfect result would score
    (not computed for floor=False); `truth_components`, `truth_genus` and `truth_watertight` are the truth's.
    `iou_method` names how the volumes were computed, `diagonal` is in the files' units. The same arguments give the
    same numbers.

    Raises InputError for shapes that are empty, not finite, or without extent or area, and for options out of range.
    """
    check_sampling(samples, seed)
    if not thresholds or not all(math.isfinite(t) and t > 0 for t in thresholds):
        raise InputError(f"thresholds must be positive fractions of the diagonal, such as 0.01, not {thresholds}.")
    entries = metrics(thresholds)
    pred, truth = shape_of(pred)[1], shape_of(truth)[1]
    used_points(pred, names[0])
    corners = used_points(truth, names[1])
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    center, diagonal = lower + (upper - lower) / 2, float(np.linalg.norm(upper - lower))
    if not diagonal > 0:
        raise InputError(f"{names[1]} has no extent: all its points are equal; give a shape with a surface.")
    pred, truth = _moved(pred, center, diagonal), _moved(truth, center, diagonal)
    cloud = truth if isinstance(truth, Cloud) else None

    # One random stream per use, so that no option changes what another draws.
    for_pred, for_truth, for_volume = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
    drawn = sample_surface(pred, samples, for_pred, names[0])
    reference = sample_surface(truth, samples, for_truth, names[1])
    again: tuple[SurfaceSamples, SurfaceSamples] | None = None
    if floor and cloud is None:
        again = sample_surface(truth, len(drawn.points), for_truth, names[1]), reference
    elif floor and cloud is not None and len(cloud.points) > 1:
        again = halves(sample_surface(truth, 2 * samples, for_truth, names[1]))

    of_pred = None if isinstance(pred, Cloud) else topology(pred)
    of_truth = None if isinstance(truth, Cloud) else topology(truth)
    volume, method = (None, "not closed") if of_pred is None or of_truth is None else iou(of_pred, of_truth, for_volume)
    comparison = Comparison(
        drawn, reference, match(drawn, reference), of_pred, volume, diagonal,
        float((upper - lower).max()) / diagonal, normalization(corners).scale * diagonal,
    )  # fmt: skip
    itself = replace(comparison, pred=reference, pred_topology=of_truth, iou=None if volume is None else 1.0)
    if again is not None:
        itself = replace(itself, pred=again[0], truth=again[1], matches=match(*again))
    scores = {metric.key: score(metric, comparison) for metric in entries}
    for metric in entries if floor else ():
        if not metric.describes:
            scores[f"floor_{metric.key}"] = None if again is None else score(metric, itself)
    scores |= {f"truth_{metric.key}": score(metric, itself) for metric in entries if metric.describes}
    return scores | {IOU_METHOD: method, "diagonal": diagonal, SAMPLES: samples, SEED: seed}


def score(metric: Metric[Measured], comparison: Measured) -> Score:
    """The metric as plain Python, None for what is not finite."""
    value = metric.compute(comparison)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _moved(shape: MeshOrCloud, center: np.ndarray, diagonal: float) -> MeshOrCloud:
    """A shape with `center` at the origin and in units of the diagonal."""
    points = (np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices, np.float64) - center) / diagonal
    if isinstance(shape, Cloud):
        return Cloud(points, shape.normals)
    return trimesh.Trimesh(points, shape.faces, process=False)
