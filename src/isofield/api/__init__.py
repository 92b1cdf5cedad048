"""What a program uses: fit a shape, hold its field, ask it, save it, load it."""

from isofield.api.fitting import fit
from isofield.api.folder import load
from isofield.api.report import FitReport, report
from isofield.api.sdf import SDF, Extraction

__all__ = ["SDF", "Extraction", "FitReport", "fit", "load", "report"]
