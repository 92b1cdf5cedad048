"""Adapting a code to samples: by descending an objective, or at once where the problem is linear."""

from isofield.adapt.batches import Batches, fresh, joined, rows, tensor
from isofield.adapt.descent import descend, descend_batches
from isofield.adapt.linear import least_squares
from isofield.adapt.robust import log_evidence, robust_least_squares
from isofield.adapt.schedule import rate

__all__ = [
    "Batches",
    "descend",
    "descend_batches",
    "fresh",
    "joined",
    "least_squares",
    "log_evidence",
    "rate",
    "robust_least_squares",
    "rows",
    "tensor",
]
