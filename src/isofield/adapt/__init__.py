"""Adapting a code to samples: by descending an objective, or at once where the problem is linear."""

from isofield.adapt.batches import Batch, fresh, joined, rows, tensor
from isofield.adapt.descent import descend, deterministic, products_are_exact, rate
from isofield.adapt.linear import least_squares
from isofield.adapt.robust import log_evidence, robust_least_squares

__all__ = [
    "Batch",
    "descend",
    "deterministic",
    "fresh",
    "joined",
    "least_squares",
    "log_evidence",
    "products_are_exact",
    "rate",
    "robust_least_squares",
    "rows",
    "tensor",
]
