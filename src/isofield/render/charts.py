"""Curves over the steps of a training, drawn with matplotlib."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isofield.errors import InputError
from isofield.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = (6.4, 3.6)
"""Inches of one chart."""


@dataclass(frozen=True)
class Chart:
    """Curves over the steps x (n,) of a training: title, and values (n,) by name. log: logarithmic heights."""

    title: str
    x: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    log: bool = False


def charts(panels: Sequence[Chart], path: str | os.PathLike[str]) -> None:
    """Write a picture with charts in two columns, in the format of the path's extension.

    Raises InputError where matplotlib is not installed or does not know the format.
    """
    path = Path(path)
    figure = _figure(panels, 2)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in figure.canvas.get_supported_filetypes():
        raise InputError(f"{path} cannot be written in this format: end its name in .png, .pdf or .svg.")
    with atomic_write(path) as beside:
        figure.savefig(beside, format=kind)


def chart_svg(panel: Chart) -> str:
    """One chart as an <svg> element for a page; the same chart gives the same text.

    Raises InputError where matplotlib is not installed.
    """
    figure, text = _figure([panel], 1), io.StringIO()
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": panel.title, "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _figure(panels: Sequence[Chart], columns: int) -> Figure:
    """The charts in rows of `columns`."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("charts need the package matplotlib: pip install 'isofield[plot]'.") from None
    rows = -(-len(panels) // columns)
    figure = Figure((columns * SIZE[0], rows * SIZE[1]), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    for axis, panel in zip(axes.flat, panels, strict=False):
        mark = "o" if len(panel.x) == 1 else ""  # a line through one point is invisible
        for name, values in panel.curves.items():
            axis.plot(panel.x, values, label=name, linewidth=1.2, marker=mark)
        axis.set(title=panel.title, xlabel="step", yscale="log" if panel.log else "linear")
        axis.grid(alpha=0.3)
        if len(panel.curves) > 1:
            axis.legend(fontsize="small", ncols=1 + len(panel.curves) // 8)
    return figure
