"""The Python interface: fit shapes, train spaces, evaluate, save and load fields.

What only spaces of shapes need is loaded when it is first used: a fit starts sooner without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from isofield.api.export import export
from isofield.api.extraction import Extraction
from isofield.api.fit import fit
from isofield.api.postprocess import FitReport, fit_report, observed, postprocess
from isofield.api.query import QueryResult, query, write_query
from isofield.api.sdf import SDF
from isofield.api.viewpoints import read_position, read_up, read_viewpoint

if TYPE_CHECKING:
    from isofield.api.completion import complete, shared_frame
    from isofield.api.inference import InferenceResult, PoseSearch, infer, infer_all, write_codes
    from isofield.api.loading import load, load_run, load_sdf
    from isofield.api.observations import ShapeSamples, observe, observed_in
    from isofield.api.partial_samples import partial
    from isofield.api.pictures import PictureResult, infer_pictures, observe_picture, picture_of, pictures_in
    from isofield.api.scans import prepare
    from isofield.api.space import ShapeSpace
    from isofield.api.training import train

__all__ = [
    "SDF",
    "Extraction",
    "FitReport",
    "InferenceResult",
    "PictureResult",
    "PoseSearch",
    "QueryResult",
    "ShapeSamples",
    "ShapeSpace",
    "complete",
    "export",
    "fit",
    "fit_report",
    "infer",
    "infer_all",
    "infer_pictures",
    "load",
    "load_run",
    "load_sdf",
    "observe",
    "observe_picture",
    "observed",
    "observed_in",
    "partial",
    "picture_of",
    "pictures_in",
    "postprocess",
    "prepare",
    "query",
    "read_position",
    "read_up",
    "read_viewpoint",
    "shared_frame",
    "train",
    "write_codes",
    "write_query",
]

_LATER = {
    "completion": ("complete", "shared_frame"),
    "inference": ("InferenceResult", "PoseSearch", "infer", "infer_all", "write_codes"),
    "loading": ("load", "load_run", "load_sdf"),
    "observations": ("ShapeSamples", "observe", "observed_in"),
    "partial_samples": ("partial",),
    "pictures": ("PictureResult", "infer_pictures", "observe_picture", "picture_of", "pictures_in"),
    "scans": ("prepare",),
    "space": ("ShapeSpace",),
    "training": ("train",),
}
"""Modules that are loaded with the first of their names. No module has the name of something in another one."""
__getattr__ = lazy_loader.attach(__name__, submod_attrs=_LATER)[0]
