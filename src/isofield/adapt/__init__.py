"""Adapting a code to samples: by descending an objective, or at once where the problem is linear."""

from isofield.adapt.batches import Batches, balanced, fresh, joined, rows, tensor
from isofield.adapt.code_search import CodeProblem, codes_of, levenberg_marquardt, noted_codes, search_code
from isofield.adapt.descent import cosine_rates, descend, descend_batches, descend_code, rate
from isofield.adapt.posterior import posterior, robust_least_squares
from isofield.adapt.unroll import unroll, unroll_finite

__all__ = [
    "Batches",
    "CodeProblem",
    "balanced",
    "codes_of",
    "cosine_rates",
    "descend",
    "descend_batches",
    "descend_code",
    "fresh",
    "joined",
    "levenberg_marquardt",
    "noted_codes",
    "posterior",
    "rate",
    "robust_least_squares",
    "rows",
    "search_code",
    "tensor",
    "unroll",
    "unroll_finite",
]
