"""Metrics of a result against its truth, with formula and scale, for single pairs and folders; heatmaps."""

from __future__ import annotations

from isofield.evaluate.comparison import compare
from isofield.evaluate.folders import Pair, Result, Results, compare_pair, pairs, shapes_in
from isofield.evaluate.heatmaps import Heatmap, heatmap
from isofield.evaluate.metric import Comparison, Metric
from isofield.evaluate.metrics import THRESHOLDS, metrics

__all__ = [
    "THRESHOLDS",
    "Comparison",
    "Heatmap",
    "Metric",
    "Pair",
    "Result",
    "Results",
    "compare",
    "compare_pair",
    "heatmap",
    "metrics",
    "pairs",
    "shapes_in",
]
