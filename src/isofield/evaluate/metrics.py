"""Every metric: key, label, direction, unit, formula, function, and whose convention it is.

P are samples of the prediction, T of the truth, d the distance to the nearest sample of the other; "diagonal" and
"longest side" are those of the truth's bounding box; "normalised" is the space in which the truth's farthest vertex
lies at 1 / 1.03 from the centre of its box (DeepSDF). Published tables often print a multiple: the formula names it.
"""

from __future__ import annotations

from functools import partial

from isofield.errors import InputError
from isofield.evaluate import distances as d
from isofield.evaluate.metric import Comparison, Metric, Score
from isofield.plugins import plugins

THRESHOLDS = (0.005, 0.01, 0.02)
"""Thresholds of the F-score, as fractions of the diagonal of the truth's bounding box."""
DEEPSDF_POINTS = 30_000
"""Samples per shape in DeepSDF's Chamfer distance."""
POINTS2SURF_POINTS = 10_000
"""Samples per shape in Points2Surf's Chamfer distance."""
EMD_POINTS = 500
"""Samples per shape in DeepSDF's earth mover's distance."""
DEEPSDF_DELTA = 0.01
"""DeepSDF's threshold of completion, in normalised units."""
DIAGONAL, LENGTH, YES_OR_NO = "diagonal", "file's unit", "yes or no"


def metrics(thresholds: tuple[float, ...] = THRESHOLDS) -> list[Metric[Comparison]]:
    """All metrics in the order of the table, those of other packages last; thresholds: of the F-score.

    Raises InputError for a metric of another package that cannot be loaded or has the key of another metric.
    """
    every = [*RELATIVE[:4], *map(f_score, thresholds), *RELATIVE[4:], *PUBLISHED, *TOPOLOGY]
    for name, metric in plugins("isofield.metrics", Metric).items():
        if metric.key in {other.key for other in every}:
            raise InputError(
                f"metric {name!r} has the key '{metric.key}' of another metric: update or remove its package."
            )
        every.append(metric)
    return every


def f_score(threshold: float) -> Metric[Comparison]:
    """The F-score at a threshold, a fraction of the diagonal: key and labels name it in percent ("f_score_0.5")."""
    percent = f"{threshold * 100:.6g}"
    return Metric(
        f"f_score_{percent}", f"F-score at {percent} %", "up", "share",
        f"2 p r / (p + r): p = share of P with d <= {percent} % of the diagonal, r = that of T",
        lambda c: d.precision_recall_f(c.matches, threshold)[2], column=f"F {percent} %",
    )  # fmt: skip


def _earth_mover(c: Comparison) -> float:
    count = min(EMD_POINTS, len(c.pred.points), len(c.truth.points))
    return d.earth_mover(c.pred.points[:count], c.truth.points[:count]) * c.normalised


def _of_topology(name: str, c: Comparison) -> Score:
    return None if c.pred_topology is None else getattr(c.pred_topology, name)


RELATIVE: tuple[Metric[Comparison], ...] = (
    Metric("chamfer_l1", "Chamfer-L1", "down", DIAGONAL, "(mean d(P,T) + mean d(T,P)) / 2",
           lambda c: d.chamfer_l1(c.matches), column="Chamfer-L1"),
    Metric("chamfer_l2", "Chamfer-L2", "down", "diagonal²", "(mean d(P,T)² + mean d(T,P)²) / 2",
           lambda c: d.chamfer_l2(c.matches)),
    Metric("accuracy", "accuracy", "down", DIAGONAL, "mean d(P,T)", lambda c: float(c.matches.forward.mean())),
    Metric("completeness", "completeness", "down", DIAGONAL, "mean d(T,P)", lambda c: float(c.matches.backward.mean())),
    Metric("normal_consistency", "normal consistency", "up", "cosine",
           "(mean |n(p).n(t)| over P + the same over T) / 2, normals of nearest samples (Occupancy Networks)",
           lambda c: d.normal_consistency(c.matches), column="normals"),
    Metric("hausdorff", "Hausdorff", "down", DIAGONAL, "max(max d(P,T), max d(T,P))",
           lambda c: d.hausdorff(c.matches)),
    Metric("hausdorff_95", "Hausdorff, 95 %", "down", DIAGONAL, "the larger 95th percentile of d(P,T) and d(T,P)",
           lambda c: d.hausdorff(c.matches, 95), column="Hausdorff 95 %"),
    Metric("iou", "volumetric IoU", "up", "share", "volume of intersection / volume of union, closed pairs",
           lambda c: c.iou, column="IoU"),
)  # fmt: skip
"""Metrics whose unit is the shape itself."""

PUBLISHED: tuple[Metric[Comparison], ...] = (
    Metric("deepsdf_chamfer_l2", "DeepSDF Chamfer-L2", "down", f"{LENGTH}²",
           "mean d(P,T)² + mean d(T,P)², 30 000 samples per shape; tables print it x 1000, files in ShapeNet's units",
           lambda c: 2 * d.chamfer_l2(c.among_first(DEEPSDF_POINTS)) * c.diagonal**2),
    Metric("deepsdf_emd", "DeepSDF earth mover's", "down", "normalised",
           "mean distance of the best one-to-one assignment of 500 to 500 points, exact", _earth_mover),
    Metric("deepsdf_mesh_accuracy", "DeepSDF mesh accuracy", "down", "normalised",
           "the distance within which 90 % of P lie of T", lambda c: d.mesh_accuracy(c.matches) * c.normalised),
    Metric("deepsdf_completion", "DeepSDF completion", "up", "share",
           "share of T with d(T,P) <= 0.01 in normalised space",
           lambda c: d.completion(c.matches, DEEPSDF_DELTA / c.normalised)),
    Metric("onet_chamfer_l1", "Occupancy Networks Chamfer-L1", "down", "longest side / 10",
           "(mean d(P,T) + mean d(T,P)) / 2", lambda c: d.chamfer_l1(c.matches) / (c.longest_side / 10)),
    Metric("onet_chamfer_l2", "Occupancy Networks Chamfer-L2", "down", "(longest side / 10)²",
           "(mean d(P,T)² + mean d(T,P)²) / 2; as Neural-Pull's CD-L2 x 100 with the longest side 1",
           lambda c: d.chamfer_l2(c.matches) / (c.longest_side / 10) ** 2),
    Metric("points2surf_chamfer_l1", "Points2Surf Chamfer-L1", "down", "longest side / 100",
           "mean d(P,T) + mean d(T,P), 10 000 samples per shape; the released code's sum over them is 100 times this",
           lambda c: 2 * d.chamfer_l1(c.among_first(POINTS2SURF_POINTS)) / (c.longest_side / 100)),
    Metric("srb_d_c", "SRB d_C", "down", LENGTH, "(mean d(P,T) + mean d(T,P)) / 2",
           lambda c: d.chamfer_l1(c.matches) * c.diagonal),
    Metric("srb_d_h", "SRB d_H", "down", LENGTH, "max(max d(P,T), max d(T,P))",
           lambda c: d.hausdorff(c.matches) * c.diagonal),
    Metric("srb_d_c_one_sided", "SRB d_C, one-sided", "down", LENGTH, "mean d(T,P); there T is a scan",
           lambda c: float(c.matches.backward.mean()) * c.diagonal),
    Metric("srb_d_h_one_sided", "SRB d_H, one-sided", "down", LENGTH, "max d(T,P); there T is a scan",
           lambda c: float(c.matches.backward.max()) * c.diagonal),
)  # fmt: skip
"""Metrics as publications define them, in their units."""

TOPOLOGY = (
    Metric("components", "components", "", "count", "connected parts of the surface",
           partial(_of_topology, "components"), column="parts", describes=True),
    Metric("genus", "genus", "", "count", "handles over all components: C - (V - E + F) / 2; closed meshes",
           partial(_of_topology, "genus"), describes=True),
    Metric("watertight", "watertight", "up", YES_OR_NO, "every edge belongs to exactly two faces",
           partial(_of_topology, "watertight"), column="watertight", describes=True),
)  # fmt: skip
"""Metrics of the prediction as a surface."""
