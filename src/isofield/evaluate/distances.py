"""Formulas over nearest-neighbour distances between the samples of two surfaces.

A distance is from one sample to the nearest sample of the other shape, as in every published protocol; so even a
perfect result has a positive Chamfer distance (the sampling floor of `compare`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from isofield.evaluate.surface_samples import SurfaceSamples
from isofield.kdtree import KDTree, nearest


@dataclass(frozen=True)
class Matches:
    """Nearest neighbours both ways between n samples of a prediction and m of a truth.

    forward: (n,) from each predicted sample to the truth (accuracy). backward: (m,) from each true sample to the
    prediction (completeness). forward_cosine, backward_cosine: (n,), (m,) absolute cosine between the normals of the
    matched samples, or None where one of the shapes has no normals. Distances are in the unit of the samples.
    """

    forward: np.ndarray
    backward: np.ndarray
    forward_cosine: np.ndarray | None = None
    backward_cosine: np.ndarray | None = None


def match(pred: SurfaceSamples, truth: SurfaceSamples) -> Matches:
    """Nearest neighbours both ways, from one k-d tree per shape."""
    forward, to_truth = nearest(KDTree(truth.points), pred.points)
    backward, to_pred = nearest(KDTree(pred.points), truth.points)
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
    the surface reconstruction benchmark (Berger et al. 2013; Williams et al. 2019) is the same. Points2Surf (Erler et
    al. 2020) omits the division by two.
    """
    return float((m.forward.mean() + m.backward.mean()) / 2)


def chamfer_l2(m: Matches) -> float:
    """(mean d(P, T)² + mean d(T, P)²) / 2, in the squared unit of the samples.

    `chamfer-L2` in the released code of Occupancy Networks, and Neural-Pull's CD-L2. DeepSDF (Park et al. 2019) omits
    the division by two.
    """
    return float((np.square(m.forward).mean() + np.square(m.backward).mean()) / 2)


def precision_recall_f(m: Matches, threshold: float) -> tuple[float, float, float]:
    """Precision (share of the prediction within `threshold` of the truth), recall (the other way round), and F.

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


def mesh_accuracy(m: Matches) -> float:
    """The distance to the truth within which 90 % of the prediction lies (DeepSDF, Park et al. 2019)."""
    return float(np.quantile(m.forward, 0.9))


def completion(m: Matches, delta: float) -> float:
    """Share of the truth that lies within `delta` of the prediction (DeepSDF's mesh completion)."""
    return float((m.backward <= delta).mean())


def earth_mover(pred: np.ndarray, truth: np.ndarray) -> float:
    """Mean Euclidean distance of the optimal one-to-one assignment of two sets of points (n, 3), exact."""
    cost = cdist(pred, truth)
    return float(cost[linear_sum_assignment(cost)].mean())
