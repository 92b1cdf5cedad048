"""Shapes out of messy 3D data: learned signed distance functions, watertight meshes.

    sdf = isofield.fit("scan.ply")
    sdf.mesh().export("mesh.ply")

The names below are loaded when they are first used, so that `import isofield` costs nothing; torch comes with `fit`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isofield.api.completion import complete
    from isofield.api.export import export
    from isofield.api.fit import fit
    from isofield.api.inference import InferenceResult, PoseSearch, infer
    from isofield.api.loading import load
    from isofield.api.pictures import PictureResult, infer_pictures, observe_picture, picture_of, pictures_in
    from isofield.api.postprocess import FitReport, fit_report
    from isofield.api.query import QueryResult, query
    from isofield.api.scans import prepare
    from isofield.api.sdf import SDF, Extraction
    from isofield.api.space import ShapeSpace
    from isofield.api.training import train
    from isofield.configs import PrepareConfig
    from isofield.datasets import Prepared, fetch
    from isofield.errors import InputError
    from isofield.evaluate import compare
    from isofield.io import inspect, read, read_views, write_mesh
    from isofield.types import Cloud, Similarity, View

__version__ = "0.1.0"

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

_HOMES = {
    "SDF": "api",
    "QueryResult": "api",
    "Cloud": "types",
    "Extraction": "api",
    "FitReport": "api",
    "InputError": "errors",
    "PrepareConfig": "configs",
    "Prepared": "datasets",
    "ShapeSpace": "api",
    "InferenceResult": "api",
    "PictureResult": "api",
    "PoseSearch": "api",
    "Similarity": "types",
    "View": "types",
    "compare": "evaluate",
    "complete": "api",
    "export": "api",
    "fetch": "datasets",
    "fit": "api",
    "fit_report": "api",
    "infer": "api",
    "infer_pictures": "api",
    "inspect": "io",
    "load": "api",
    "observe_picture": "api",
    "picture_of": "api",
    "pictures_in": "api",
    "prepare": "api",
    "query": "api",
    "read": "io",
    "read_views": "io",
    "train": "api",
    "write_mesh": "io",
}
"""In which room each public name lives."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'isofield' has no attribute '{name}'")
    value = getattr(import_module(f"isofield.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _drawn_in_notebooks() -> None:
    """Makes IPython draw meshes and clouds that end a cell, by their names, so that nothing is loaded before."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None:
        return

    def view(shape: Any) -> str:
        text: str = import_module("isofield.api.notebook").view(shape)
        return text

    for module, name in (("trimesh.base", "Trimesh"), ("isofield.types", "Cloud")):
        formatter.formatters["text/html"].for_type_by_name(module, name, view)


_drawn_in_notebooks()
