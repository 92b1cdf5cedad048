"""Every number that `compare` gives: its name, its unit, its formula and whose convention it is.

P are samples of the prediction, T of the truth, d the distance to the nearest sample of the other; "diagonal" and
"longest side" are those of the truth's bounding box; "normalised" is the space in which the truth's farthest vertex
lies at 1 / 1.03 from the centre of its box (DeepSDF). Published tables often print a multiple: the formula names it.
"""

from __future__ import annotations

from dataclasses import dataclass

THRESHOLDS = (0.005, 0.01, 0.02)
"""Thresholds of the F-score, as fractions of the diagonal of the truth's bounding box."""
DEEPSDF_POINTS = 30_000
"""Samples a side of DeepSDF's Chamfer distance."""
POINTS2SURF_POINTS = 10_000
"""Samples a side of Points2Surf's Chamfer distance."""
EMD_POINTS = 500
"""Points a side of DeepSDF's earth mover's distance."""
DEEPSDF_DELTA = 0.01
"""DeepSDF's threshold of completion, in normalised units."""


@dataclass(frozen=True)
class Metric:
    """One number: its key in dictionaries, what it is called, which direction is better, its unit and its formula."""

    key: str
    label: str
    better: str
    unit: str
    formula: str


def threshold_key(prefix: str, threshold: float) -> str:
    """ "f_score_0.5" of ("f_score", 0.005): thresholds are named in percent of the diagonal."""
    return f"{prefix}_{threshold * 100:.6g}"


def metrics(thresholds: tuple[float, ...] = THRESHOLDS) -> list[Metric]:
    """All numbers in the order of the table; `thresholds` are those of the F-score."""
    return [*_relative(thresholds), *_published(), *_topology()]


def _relative(thresholds: tuple[float, ...]) -> list[Metric]:
    diagonal = "diagonal"
    scores = [
        Metric(
            threshold_key("f_score", t),
            f"F-score at {t * 100:.6g} %",
            "up",
            "share",
            f"2 p r / (p + r): p = share of P with d <= {t * 100:.6g} % of the diagonal, r = that of T",
        )
        for t in thresholds
    ]
    return [
        Metric("chamfer_l1", "Chamfer-L1", "down", diagonal, "(mean d(P,T) + mean d(T,P)) / 2"),
        Metric("chamfer_l2", "Chamfer-L2", "down", "diagonal²", "(mean d(P,T)² + mean d(T,P)²) / 2"),
        Metric("accuracy", "accuracy", "down", diagonal, "mean d(P,T)"),
        Metric("completeness", "completeness", "down", diagonal, "mean d(T,P)"),
        *scores,
        Metric(
            "normal_consistency",
            "normal consistency",
            "up",
            "cosine",
            "(mean |n(p).n(t)| over P + the same over T) / 2, normals of nearest samples (Occupancy Networks)",
        ),
        Metric("hausdorff", "Hausdorff", "down", diagonal, "max(max d(P,T), max d(T,P))"),
        Metric("hausdorff_95", "Hausdorff, 95 %", "down", diagonal, "the larger 95th percentile of d(P,T) and d(T,P)"),
        Metric("iou", "volumetric IoU", "up", "share", "volume of intersection / volume of union, closed pairs"),
    ]


def _published() -> list[Metric]:
    return [
        Metric(
            "deepsdf_chamfer_l2",
            "DeepSDF Chamfer-L2",
            "down",
            "file's unit²",
            "mean d(P,T)² + mean d(T,P)², 30 000 samples a side; tables print it x 1000, files in ShapeNet's units",
        ),
        Metric(
            "deepsdf_emd",
            "DeepSDF earth mover's",
            "down",
            "normalised",
            "mean distance of the best one-to-one assignment of 500 to 500 points, exact",
        ),
        Metric(
            "deepsdf_mesh_accuracy",
            "DeepSDF mesh accuracy",
            "down",
            "normalised",
            "the distance within which 90 % of P lie of T",
        ),
        Metric(
            "deepsdf_completion",
            "DeepSDF completion",
            "up",
            "share",
            "share of T with d(T,P) <= 0.01 in normalised space",
        ),
        Metric(
            "onet_chamfer_l1",
            "Occupancy Networks Chamfer-L1",
            "down",
            "longest side / 10",
            "(mean d(P,T) + mean d(T,P)) / 2",
        ),
        Metric(
            "onet_chamfer_l2",
            "Occupancy Networks Chamfer-L2",
            "down",
            "(longest side / 10)²",
            "(mean d(P,T)² + mean d(T,P)²) / 2; as Neural-Pull's CD-L2 x 100 with the longest side 1",
        ),
        Metric(
            "points2surf_chamfer_l1",
            "Points2Surf Chamfer-L1",
            "down",
            "longest side / 100",
            "mean d(P,T) + mean d(T,P), 10 000 samples a side; the released code's sum over them is 100 times this",
        ),
        Metric("srb_d_c", "SRB d_C", "down", "file's unit", "(mean d(P,T) + mean d(T,P)) / 2"),
        Metric("srb_d_h", "SRB d_H", "down", "file's unit", "max(max d(P,T), max d(T,P))"),
        Metric("srb_d_c_one_sided", "SRB d_C, one-sided", "down", "file's unit", "mean d(T,P), T being the scan"),
        Metric("srb_d_h_one_sided", "SRB d_H, one-sided", "down", "file's unit", "max d(T,P), T being the scan"),
    ]


def _topology() -> list[Metric]:
    return [
        Metric("components", "components", "", "count", "connected parts of the surface"),
        Metric("genus", "genus", "", "count", "handles over all components: C - (V - E + F) / 2; closed meshes"),
        Metric("watertight", "watertight", "up", "yes or no", "every edge belongs to exactly two faces"),
    ]
