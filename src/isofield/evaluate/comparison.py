"""One prediction against its truth: every metric, and the floor that sampling sets."""

from __future__ import annotations

import math

import numpy as np
import trimesh

from isofield.errors import InputError
from isofield.evaluate import distances as measure
from isofield.evaluate.protocols import (
    DEEPSDF_DELTA,
    DEEPSDF_POINTS,
    EMD_POINTS,
    POINTS2SURF_POINTS,
    THRESHOLDS,
    threshold_key,
)
from isofield.evaluate.samples import Samples, draw, halves, surface_points
from isofield.evaluate.topology import Topology, topology
from isofield.evaluate.volume import iou
from isofield.points import normalization
from isofield.types import Cloud

Shape = trimesh.Trimesh | Cloud
Score = float | int | bool | str | None
Scores = dict[str, Score]


def compare(
    pred: Shape,
    truth: Shape,
    *,
    samples: int = 100_000,
    seed: int = 0,
    floor: bool = True,
    thresholds: tuple[float, ...] = THRESHOLDS,
    names: tuple[str, str] = ("the prediction", "the truth"),
) -> Scores:
    """How far a prediction is from its truth: {key: number}, keys and formulas as in `protocols.metrics`.

    pred, truth: meshes or clouds in the same units and axes. samples: points drawn of each mesh, uniform by area (at
    most so many points of a cloud). thresholds: of the F-score, fractions of the diagonal of the truth's bounding
    box. What a cloud cannot tell (volume, topology; normals where it has none) is None.

    Beside each number x of the prediction stands the truth's own: `floor_x`, from two independent sets of samples of
    the truth (one of them as large as the prediction's; of a cloud, two halves), is what a perfect result would score,
    and `floor=False` leaves it out; `truth_components`, `truth_genus` and `truth_watertight` are the truth's.
    `iou_method` says how the volumes were found, `diagonal` is in the files' units. The same arguments give the same
    numbers.

    Raises InputError where a shape is empty, not finite, without extent or area, or an option is out of range.
    """
    if samples < 1:
        raise InputError(f"samples is {samples}, but has to be at least 1.")
    if not thresholds or not all(math.isfinite(t) and t > 0 for t in thresholds):
        raise InputError(
            f"thresholds are {thresholds}, but have to be positive fractions of the diagonal, such as 0.01."
        )
    if seed < 0:
        raise InputError(f"seed is {seed}, but has to be at least 0.")
    surface_points(pred, names[0])
    frame = _Frame(surface_points(truth, names[1]), names[1])
    pred, truth = frame.apply(pred), frame.apply(truth)
    cloud = truth if isinstance(truth, Cloud) else None

    # One stream for each use, so that no option changes what another draws.
    for_pred, for_truth, for_volume = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
    drawn = draw(pred, samples, for_pred, names[0])
    reference = draw(truth, samples, for_truth, names[1])
    again: tuple[Samples, Samples] | None = None
    if floor and cloud is None:
        again = draw(truth, len(drawn.points), for_truth, names[1]), reference
    elif floor and cloud is not None and len(cloud.points) > 1:
        again = halves(draw(truth, 2 * samples, for_truth, names[1]))

    of_pred = None if isinstance(pred, Cloud) else topology(pred)
    of_truth = None if isinstance(truth, Cloud) else topology(truth)
    scores = _distances(drawn, reference, frame, thresholds)
    if of_pred is None or of_truth is None:
        scores["iou"], method = None, "not closed"
    else:
        scores["iou"], method = iou(of_pred, of_truth, for_volume)

    itself: Scores = {}
    if floor:
        if again is None:
            itself = dict.fromkeys((f"floor_{key}" for key in scores), None)
        else:
            itself = {f"floor_{key}": value for key, value in _distances(*again, frame, thresholds).items()}
        itself["floor_iou"] = None if scores["iou"] is None else 1.0
    return {
        **scores,
        **_as_scores("", of_pred),
        **itself,
        **_as_scores("truth_", of_truth),
        "iou_method": method,
        "diagonal": frame.diagonal,
        "samples": samples,
        "seed": seed,
    }


class _Frame:
    """The space in which distances are measured: the truth's box is centred and its diagonal 1.

    longest: the longest side of the box; normalised: normalised units per diagonal; diagonal: in the files' units.
    """

    def __init__(self, truth: np.ndarray, name: str) -> None:
        lower, upper = truth.min(axis=0), truth.max(axis=0)
        self.center = lower + (upper - lower) / 2
        self.diagonal = float(np.linalg.norm(upper - lower))
        if not self.diagonal > 0:
            raise InputError(f"{name} has no extent: all its points are equal; give a shape with a surface.")
        self.longest = float((upper - lower).max()) / self.diagonal
        self.normalised = normalization(truth).scale * self.diagonal

    def apply(self, shape: Shape) -> Shape:
        if isinstance(shape, Cloud):
            return Cloud(self._move(shape.points), shape.normals)
        return trimesh.Trimesh(self._move(shape.vertices), shape.faces, process=False)

    def _move(self, points: np.ndarray) -> np.ndarray:
        return (np.asarray(points, np.float64) - self.center) / self.diagonal


def _distances(pred: Samples, truth: Samples, frame: _Frame, thresholds: tuple[float, ...]) -> Scores:
    """All that two sets of samples tell, in the frame's units turned into each convention's."""
    m = measure.match(pred, truth)
    tenth = frame.longest / 10
    scores: Scores = {
        "chamfer_l1": measure.chamfer_l1(m),
        "chamfer_l2": measure.chamfer_l2(m),
        "accuracy": float(m.forward.mean()),
        "completeness": float(m.backward.mean()),
    }
    for threshold in thresholds:
        scores[threshold_key("f_score", threshold)] = measure.precision_recall_f(m, threshold)[2]
    count = min(EMD_POINTS, len(pred.points), len(truth.points))
    deepsdf = _among_first(pred, truth, DEEPSDF_POINTS, m)
    points2surf = _among_first(pred, truth, POINTS2SURF_POINTS, m)
    scores |= {
        "normal_consistency": measure.normal_consistency(m),
        "hausdorff": measure.hausdorff(m),
        "hausdorff_95": measure.hausdorff(m, 95),
        "deepsdf_chamfer_l2": 2 * measure.chamfer_l2(deepsdf) * frame.diagonal**2,
        "deepsdf_emd": measure.earth_mover(pred.points[:count], truth.points[:count]) * frame.normalised,
        "deepsdf_mesh_accuracy": measure.mesh_accuracy(m) * frame.normalised,
        "deepsdf_completion": measure.completion(m, DEEPSDF_DELTA / frame.normalised),
        "onet_chamfer_l1": measure.chamfer_l1(m) / tenth,
        "onet_chamfer_l2": measure.chamfer_l2(m) / tenth**2,
        "points2surf_chamfer_l1": 2 * measure.chamfer_l1(points2surf) / (frame.longest / 100),
        "srb_d_c": measure.chamfer_l1(m) * frame.diagonal,
        "srb_d_h": measure.hausdorff(m) * frame.diagonal,
        "srb_d_c_one_sided": float(m.backward.mean()) * frame.diagonal,
        "srb_d_h_one_sided": float(m.backward.max()) * frame.diagonal,
    }
    return scores


def _among_first(pred: Samples, truth: Samples, count: int, m: measure.Matches) -> measure.Matches:
    """The matches among the first `count` samples of each side; `m`, where there are no more than those."""
    if max(len(pred.points), len(truth.points)) <= count:
        return m
    return measure.match(Samples(pred.points[:count]), Samples(truth.points[:count]))


def _as_scores(prefix: str, found: Topology | None) -> Scores:
    if found is None:
        return dict.fromkeys((f"{prefix}{key}" for key in ("components", "genus", "watertight")), None)
    return {
        f"{prefix}components": found.components,
        f"{prefix}genus": found.genus,
        f"{prefix}watertight": found.watertight,
    }
