from .api.completion import complete
from .api.export import export
from .api.fit import fit
from .api.inference import InferenceResult, PoseSearch, infer
from .api.loading import load
from .api.pictures import PictureResult, infer_pictures, observe_picture, picture_of, pictures_in
from .api.postprocess import FitReport, fit_report
from .api.query import QueryResult, query
from .api.scans import prepare
from .api.sdf import SDF, Extraction
from .api.space import ShapeSpace
from .api.training import train
from .configs import PrepareConfig
from .datasets import Prepared, fetch
from .errors import InputError
from .evaluate import compare
from .io import inspect, read, read_views, write_mesh
from .types import Cloud, Similarity, View

__all__ = [
    "SDF",
    "Cloud",
    "Extraction",
    "FitReport",
    "InferenceResult",
    "InputError",
    "PictureResult",
    "PoseSearch",
    "PrepareConfig",
    "Prepared",
    "QueryResult",
    "ShapeSpace",
    "Similarity",
    "View",
    "__version__",
    "compare",
    "complete",
    "export",
    "fetch",
    "fit",
    "fit_report",
    "infer",
    "infer_pictures",
    "inspect",
    "load",
    "observe_picture",
    "picture_of",
    "pictures_in",
    "prepare",
    "query",
    "read",
    "read_views",
    "train",
    "write_mesh",
]

__version__: str
