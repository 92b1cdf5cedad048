"""Shapes side by side in one page for a browser, with cameras that move together: one file, nothing from a network."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, Template

from isofield.errors import InputError
from isofield.render.figures import Panel
from isofield.render.pictures import CLAY, SLATE, own_colors, parts

STEPS = 65_535
"""Steps of a coordinate along the longest side of a shape: 16 bits."""
UPRIGHT = {"x": (2, 0, 1), "y": (0, 1, 2), "z": (1, 2, 0)}
"""Which coordinates become x, y and z where an axis is up: rotations that make it y."""
HELP = (
    "Drag to turn, drag with the right button or Shift to move; after a click the wheel, + and - zoom, and the arrow "
    "keys turn; double-click to reset."
)
"""How to move the cameras of `script`, in words."""


@cache
def script() -> str:
    """The JavaScript that draws the shapes of all elements of the class "linked" on a page; each of them has to have a
    <script type="application/json"> with `data_of` its panels. Needs WebGL 2."""
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, keep_trailing_newline=True)
    return environment.from_string(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


def linked_views(panels: Sequence[Panel], title: str, *, links: str = "", legend: str = "", table: str = "") -> str:
    """The text of a page (HTML, WebGL 2) with one canvas for each panel, y up, all with one camera.

    title: text. links, legend, table: HTML before and after the instructions, and below the canvases. Colours are the
    shapes' own, as in `picture`. Raises InputError as `data_of` does.
    """
    return _template().render(
        title=title, links=links, help=HELP, legend=legend, table=table, data=data_of(panels), script=script()
    )


def data_of(panels: Sequence[Panel], up: str = "y") -> str:
    """The shapes of panels as JSON that can be inside of a <script>, for `script`. up: "x", "y" or "z".

    Vertices are stored with 16 bits an axis, with an error of at most a 130 000th of the shape's longest side. Raises
    InputError where no panel has a finite point.
    """
    known = [parts(panel.shape)[0] for panel in panels]
    finite = [points[np.isfinite(points).all(axis=1)] for points in known]
    every = np.concatenate([points for points in finite if len(points)] or [np.empty((0, 3))])
    if len(every) == 0:
        raise InputError("there is no finite point to draw: give a shape that has some.")
    low, high = every.min(axis=0), every.max(axis=0)
    center, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 1.0
    packed = [_packed(panel, center, radius, UPRIGHT[up]) for panel in panels]
    return json.dumps({"panels": packed}).replace("<", "\\u003c")


def _packed(panel: Panel, center: np.ndarray, radius: float, order: Sequence[int]) -> dict[str, Any]:
    """A shape in base64, little-endian: points (n, 3) uint16, faces (f, 3) uint16 or, beyond 65 535 points, uint32,
    colours (n, 3) uint8; a point is at low + step * stored in the scene, whose centre is 0 and whose radius is 1."""
    points, faces = parts(panel.shape)
    own = own_colors(panel.shape)
    colors = np.broadcast_to(SLATE if faces is None else CLAY, points.shape) if own is None else own[:, :3]
    good = np.isfinite(points).all(axis=1)
    if faces is None:
        points, colors, faces = points[good], colors[good], np.empty((0, 3), np.int64)
    else:
        points, faces = np.where(good[:, None], points, center), faces[good[faces].all(axis=1)]
    points = ((points - center) / radius)[:, order]
    low = points.min(axis=0) if len(points) else np.zeros(3)
    step = float((points - low).max(initial=0.0)) / STEPS or 1.0
    return {
        "caption": panel.caption, "note": panel.note, "low": low.tolist(), "step": step,
        "points": _base64(np.rint((points - low) / step).astype("<u2")),
        "faces": _base64(faces.astype("<u2" if len(points) <= STEPS else "<u4")),
        "colors": _base64(np.asarray(colors).astype(np.uint8)),
    }  # fmt: skip


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
