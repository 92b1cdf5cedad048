"""The Python interface: fit shapes, train spaces, evaluate, save and load fields."""

from isofield.api.completion import complete, shared_frame
from isofield.api.export import export
from isofield.api.fit import fit
from isofield.api.inference import InferenceResult, PoseSearch, infer, infer_all, write_codes
from isofield.api.load import load, load_run, load_sdf
from isofield.api.observations import ShapeSamples, observe, observed_in
from isofield.api.partial_samples import partial
from isofield.api.pictures import PictureResult, infer_pictures, observe_picture, picture_of, pictures_in
from isofield.api.postprocess import FitReport, observed, postprocess, report
from isofield.api.query import QueryResult, query, write_query
from isofield.api.scans import prepare
from isofield.api.sdf import SDF, Extraction
from isofield.api.space import ShapeSpace
from isofield.api.train import train
from isofield.api.viewpoints import read_up, read_viewpoint

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
    "read_up",
    "read_viewpoint",
    "report",
    "shared_frame",
    "train",
    "write_codes",
    "write_query",
]
