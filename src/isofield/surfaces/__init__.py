"""From a callable to a closed mesh: sparse marching cubes, checks, repair, and what no point has seen taken out."""

from __future__ import annotations

from .check import Check, check
from .components import keep_large, keep_observed
from .decimate import decimate
from .extract import Extraction, extract
from .repair import repair

__all__ = ["Check", "Extraction", "check", "decimate", "extract", "keep_large", "keep_observed", "repair"]
