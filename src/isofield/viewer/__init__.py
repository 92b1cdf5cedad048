"""Shapes, fields and spaces of shapes in the browser, with viser.

What is shown is computed by plain functions of NumPy arrays (`scene`, `slices`, `codes`); the pages put it on screen.
"""

from __future__ import annotations

from isofield.errors import InputError

try:
    import viser  # noqa: F401
except ImportError:
    raise InputError("the viewer needs the package viser: pip install 'isofield[viewer]'.") from None

from isofield.viewer.opening import Viewer, open_live, open_viewer

__all__ = ["Viewer", "open_live", "open_viewer"]
