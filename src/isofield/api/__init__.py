"""What a program uses: fit a shape, hold its field, ask it, save it, load it."""

from isofield.api.answers import Answers, query, write_answers
from isofield.api.completing import complete, partial, shared_frame
from isofield.api.exporting import export
from isofield.api.finishing import finish
from isofield.api.fitting import fit
from isofield.api.inferring import Found, Posing, infer, infer_all, write_codes
from isofield.api.loading import load, load_run, load_sdf
from isofield.api.observing import Observed, observe, observed_in
from isofield.api.report import FitReport, report
from isofield.api.sdf import SDF, Extraction
from isofield.api.space import ShapeSpace
from isofield.api.training import train

__all__ = [
    "SDF",
    "Answers",
    "Extraction",
    "FitReport",
    "Found",
    "Observed",
    "Posing",
    "ShapeSpace",
    "complete",
    "export",
    "finish",
    "fit",
    "infer",
    "infer_all",
    "load",
    "load_run",
    "load_sdf",
    "observe",
    "observed_in",
    "partial",
    "query",
    "report",
    "shared_frame",
    "train",
    "write_answers",
    "write_codes",
]
