"""Adapting a code to samples: by descending an objective, or at once where the problem is linear."""

from isofield.adapt.descent import descend, products_are_exact, rate, steady
from isofield.adapt.linear import least_squares

__all__ = ["descend", "least_squares", "products_are_exact", "rate", "steady"]
