"""From a callable to a closed mesh: sparse marching cubes, checks, repair, and what no point has seen taken out."""

from __future__ import annotations

from .extract import Extraction, extract

__all__ = ["Extraction", "extract"]
