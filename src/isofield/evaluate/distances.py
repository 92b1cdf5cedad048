"""Measures of two sets of surface samples: each a formula over nearest-neighbour distances.

A distance here is from one sample to the nearest sample of the other shape, as every published protocol has it; so
even a perfect result has a positive Chamfer distance (see the sampling floor of `compare`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from isofield.evaluate.samples import Samples
from isofield.kdtree import nearest


@dataclass(frozen=True)
class Matches:
    """Nearest neighbours both ways between samples of a prediction (n of them) and of a truth (m).

    forward: (n,) from each predicted sample to the truth (accuracy). backward: (m,) from each true sample to the
    prediction (completeness). forward_cosine, backward_cosine: (n,), (m,) absolute cosine between the normals of the
    matched samples, or None where a side has no normals. Distances in the unit of the samples.
    """

    forward: np.ndarray
    backward: np.ndarray
    forward_cosine: np.ndarray | None = None
    backward_cosine: np.ndarray | None = None


def match(pred: Samples, truth: Samples) -> Matches:
    """Nearest neighbours both ways; one kd-tree a side."""
    forward, to_truth = nearest(cKDTree(truth.points), pred.points)
    backward, to_pred = nearest(cKDTree(pred.points), truth.points)
    if pred.normals is None or truth.normals is None:
        return Matches(forward, backward)
    return Matches(
        forward,
        backward,
        np.abs(np.einsum("ij,ij->i", pred.normals, truth.normals[to_truth])),
        np.abs(np.einsum("ij,ij->i", truth.normals, pred.normals[to_pred])),
    )


def chamfer_l1(m: Matches) -> float:
    """(mean d(P, T) + mean d(T, P)) / 2, in the unit of the samples.

    Occupancy Networks (Mescheder et al. 2019, supplementary, "Chamfer-L1": mean of accuracy and completeness); d_C of
    the surface reconstruction benchmark (Berger et al. 2013; Williams et al. 2019) is the same formula. Points2Surf
    (Erler et al. 2020) leaves the division by two out.
    """
    return float((m.forward.mean() + m.backward.mean()) / 2)


def chamfer_l2(m: Matches) -> float:
    """(mean d(P, T)² + mean d(T, P)²) / 2, in the squared unit of the samples.

    `chamfer-L2` of the released code of Occupancy Networks, and Neural-Pull's CD-L2. DeepSDF (Park et al. 2019) leaves
    the division by two out.
    """
    return float((np.square(m.forward).mean() + np.square(m.backward).mean()) / 2)


def precision_recall_f(m: Matches, threshold: float) -> tuple[float, float, float]:
    """Share of the prediction within `threshold` of the truth, of the truth within it of the prediction, and F.

    F = 2 P R / (P + R), and 0 where both are 0 (Knapitsch et al. 2017, Tanks and Temples; Tatarchenko et al. 2019).
    """
    precision, recall = float((m.forward <= threshold).mean()), float((m.backward <= threshold).mean())
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def normal_consistency(m: Matches) -> float | None:
    """(mean |n(p).n(t)| over P + mean |n(t).n(p)| over T) / 2 between nearest samples; None without normals.

    Occupancy Networks (Mescheder et al. 2019): the absolute value of the dot product. (Neural-Pull's released code sums
    the absolute values of the three products of coordinates instead, which gives 0.75 for random normals where this
    gives 0.5; that variant is not used here.)
    """
    if m.forward_cosine is None or m.backward_cosine is None:
        return None
    return float((m.forward_cosine.mean() + m.backward_cosine.mean()) / 2)


def hausdorff(m: Matches, percentile: float = 100.0) -> float:
    """The larger of the two directed distances: max d(P, T), max d(T, P), or that percentile of each."""
    return float(max(np.percentile(m.forward, percentile), np.percentile(m.backward, percentile)))


def mesh_accuracy(m: Matches, share: float = 0.9) -> float:
    """The distance within which `share` of the prediction lies of the truth (DeepSDF, Park et al. 2019; 90 %)."""
    return float(np.quantile(m.forward, share))


def completion(m: Matches, delta: float) -> float:
    """Share of the truth that lies within `delta` of the prediction (DeepSDF's mesh completion)."""
    return float((m.backward <= delta).mean())


def earth_mover(pred: np.ndarray, truth: np.ndarray) -> float:
    """Mean Euclidean distance of the best one-to-one assignment of two (n, 3) sets of points, exact."""
    cost = cdist(pred, truth)
    return float(cost[linear_sum_assignment(cost)].mean())
