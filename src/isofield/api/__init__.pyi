from .completion import complete, shared_frame
from .export import export
from .extraction import Extraction
from .fit import fit
from .inference import InferenceResult, PoseSearch, infer, infer_all, write_codes
from .loading import load, load_run, load_sdf
from .observations import ShapeSamples, observe, observed_in
from .partial_samples import partial
from .pictures import PictureResult, infer_pictures, observe_picture, picture_of, pictures_in
from .postprocess import FitReport, fit_report, observed, postprocess
from .query import QueryResult, query, write_query
from .scans import prepare
from .sdf import SDF
from .space import ShapeSpace
from .training import train
from .viewpoints import read_position, read_up, read_viewpoint

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
