"""Shapes out of messy 3D data: learned signed distance functions, watertight meshes.

    sdf = isofield.fit("scan.ply")
    sdf.mesh().export("mesh.ply")

The names in the stub beside this file are loaded when they are first used, so that `import isofield` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _drawn_in_notebooks() -> None:
    """Makes IPython draw meshes and clouds that end a cell, by their names, so that nothing is loaded before."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None:
        return

    def view(shape: Any) -> str:
        return import_module("isofield.api.notebook").view(shape)

    for module, name in (("trimesh.base", "Trimesh"), ("isofield.types", "Cloud")):
        formatter.formatters["text/html"].for_type_by_name(module, name, view)


_drawn_in_notebooks()
