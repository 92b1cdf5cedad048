"""How far a result is from its truth: metrics with formula and scale stated, single pairs and folders, heatmaps."""

from __future__ import annotations

from isofield.evaluate.comparison import compare
from isofield.evaluate.folders import Pair, Result, Results, compare_folders, compare_pair, pairs, shapes_in
from isofield.evaluate.heatmaps import Heatmap, heatmap
from isofield.evaluate.protocols import THRESHOLDS, Metric, metrics

__all__ = [
    "THRESHOLDS",
    "Heatmap",
    "Metric",
    "Pair",
    "Result",
    "Results",
    "compare",
    "compare_folders",
    "compare_pair",
    "heatmap",
    "metrics",
    "pairs",
    "shapes_in",
]
