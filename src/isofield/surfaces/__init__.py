"""Meshes of callables: sparse marching cubes, checks, repair, decimation, unsupported components, open surfaces."""

from __future__ import annotations

from isofield.surfaces.check import Check, check
from isofield.surfaces.components import keep_large, keep_largest, keep_observed
from isofield.surfaces.decimate import MOST_FACES, MOST_POINTS, decimate, reduced, simplified
from isofield.surfaces.extract import ExtractedSurface, extract
from isofield.surfaces.open_surface import opened
from isofield.surfaces.repair import repair
from isofield.surfaces.unsigned import extract_unsigned

__all__ = [
    "MOST_FACES",
    "MOST_POINTS",
    "Check",
    "ExtractedSurface",
    "check",
    "decimate",
    "extract",
    "extract_unsigned",
    "keep_large",
    "keep_largest",
    "keep_observed",
    "opened",
    "reduced",
    "repair",
    "simplified",
]
