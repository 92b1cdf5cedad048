"""What a program uses: fit a shape, hold its field, ask it, save it, load it."""

from isofield.api.answers import Answers, query, write_answers
from isofield.api.exporting import export
from isofield.api.finishing import finish
from isofield.api.fitting import fit
from isofield.api.folder import load
from isofield.api.report import FitReport, report
from isofield.api.sdf import SDF, Extraction

__all__ = [
    "SDF",
    "Answers",
    "Extraction",
    "FitReport",
    "export",
    "finish",
    "fit",
    "load",
    "query",
    "report",
    "write_answers",
]
