"""A page for every scan of the protocol `evaluate.dfaust`: scan, result and registration in linked cameras; an index.

The released code of SALD writes such a page with plotly, which needs a network; these are one file each.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import trimesh

from isofield import io
from isofield.errors import InputError
from isofield.evaluate.dfaust import HEIGHT, METRICS, Triple
from isofield.evaluate.folders import Result, Results
from isofield.evaluate.heatmaps import Heatmap, heatmap
from isofield.evaluate.tables import cell
from isofield.files import safe_id, write_text
from isofield.render import Panel, linked_views
from isofield.surfaces import decimate
from isofield.types import Cloud, ProgressCallback

FACES = 40_000
"""Most faces of a mesh in a page, and most points of a cloud: pages stay below 2 megabytes."""
TOP = 0.02
"""The distance at the end of the colours' scale, as a fraction of the standing height."""
INDEX = "index.html"
STYLE = """body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#343a42}a{color:#3a6ea5}
table{border-collapse:collapse}td,th{padding:2px 14px 2px 0;text-align:right}
td:first-child,th:first-child{text-align:left}"""


def write(
    folder: str | os.PathLike[str], every: Iterable[Triple], results: Results, progress: ProgressCallback | None = None
) -> list[Path]:
    """Writes FOLDER/NAME.html for every reconstruction, also where it is missing, and FOLDER/index.html; returns them.

    every, results: what `dfaust.triples` and `dfaust.evaluate` gave, in the same order. Colours of the result are exact
    distances of its vertices to the registration. Meshes are drawn with at most FACES faces. Raises InputError where
    the system refuses, or a name leads out of the folder.
    """
    folder, written = Path(folder), list[Path]()
    rows = list(zip(every, results.results, strict=True))
    names = [safe_id(triple.name) for triple, _ in rows]
    for row, (triple, result) in enumerate(rows):
        if progress is not None:
            progress(f"{len(rows)} pages", row / len(rows))
        path = folder / f"{triple.name}.html"
        around = [names[k] for k in (row - 1, row + 1) if 0 <= k < len(rows)]
        write_text(path, _page(triple, result, _links(triple.name, around)))
        written.append(path)
    write_text(folder / INDEX, _index(results))
    return [*written, folder / INDEX]


def _page(triple: Triple, result: Result, links: str) -> str:
    registration, scan = _read(triple.registration), None if triple.scan is None else _read(triple.scan)
    panels = [] if scan is None else [_panel(scan, "scan")]
    legend, scores = "", result.scores
    if triple.pred is None or scores is None:
        panels.append(Panel(Cloud(np.empty((0, 3))), "no result", result.problem))
    elif isinstance(registration, trimesh.Trimesh) and isinstance(pred := _read(triple.pred), trimesh.Trimesh):
        height = scores[HEIGHT]
        heat = heatmap(_light(pred), registration, top=TOP * float(height))  # type: ignore[arg-type]
        panels.append(_panel(heat.shape, "result", len(pred.faces)))
        legend = _scale(heat)
    if registration is not None:
        panels.append(_panel(registration, "registration"))
    return linked_views(panels, triple.name, links=links, legend=legend, table=_numbers(result))


def _read(path: Path) -> trimesh.Trimesh | Cloud | None:
    """The shape, or None where its file cannot be read: the problem is in the results."""
    try:
        return io.read(path)
    except InputError:
        return None


def _light(shape: trimesh.Trimesh | Cloud) -> trimesh.Trimesh | Cloud:
    """The shape with at most FACES faces, or points."""
    if isinstance(shape, Cloud):
        chosen = np.random.default_rng(0).permutation(len(shape.points))[:FACES]
        return Cloud(np.asarray(shape.points)[np.sort(chosen)])
    mesh = decimate(shape, FACES)
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)  # without colours


def _panel(shape: trimesh.Trimesh | Cloud, caption: str, faces: int | None = None) -> Panel:
    """faces: of the whole mesh, where `shape` is a lighter one."""
    if isinstance(shape, Cloud):
        return Panel(_light(shape), caption, f"{len(shape.points):,} points")
    lighter = shape if faces is not None else _light(shape)
    count, drawn = faces or len(shape.faces), len(lighter.faces)  # type: ignore[union-attr]
    return Panel(lighter, caption, f"{count:,} triangles" + (f", drawn with {drawn:,}" if drawn < count else ""))


def _scale(heat: Heatmap) -> str:
    """The colours of the result, as HTML."""
    stops = ",".join(f"rgb{color}" for _, color in heat.scale())
    unit = f"in the files' unit ({100 * TOP:g} % of the standing height)"
    bar = f"<span class=bar style='background:linear-gradient(90deg,{stops})'></span>"
    return f"Colours: the result's distance to the registration, from 0 {bar} to {heat.top:.3g} and more, {unit}."


def _numbers(result: Result) -> str:
    """The metrics of one scan, as HTML."""
    if result.scores is None:
        return f"<p><b>{html.escape(result.problem)}</b></p>"
    rows = "".join(
        f"<tr><td>{html.escape(m.label)}</td><td>{cell(result.scores[m.key])}</td><td>{html.escape(m.unit)}</td>"
        f"<td><small>{html.escape(m.formula)}</small></td></tr>"
        for m in METRICS
    )
    return f"<table>{rows}</table>"


def _links(name: str, others: Sequence[str]) -> str:
    """Links from the page of a name to the index and to other pages, as HTML."""
    up = "../" * name.count("/")
    targets = [(INDEX, "all scans"), *((f"{other}.html", other) for other in others)]
    return " ".join(f'<a href="{up}{quote(target)}">{html.escape(text)}</a>' for target, text in targets) + ". "


def _index(results: Results) -> str:
    """A table of all scans, worst first in the first metric, failures on top."""
    shown = [metric for metric in METRICS if metric.column]
    head = "".join(f"<th>{html.escape(metric.column)}</th>" for metric in shown)
    first = METRICS[0].key

    def badness(result: Result) -> float:
        value = None if result.scores is None else result.scores[first]
        return -float(value) if isinstance(value, float) else -np.inf

    body = ""
    for result in sorted(results.results, key=badness):
        name = result.pair.name
        cells = f'<td><a href="{quote(name)}.html">{html.escape(name)}</a></td>'
        if result.scores is None:
            cells += f'<td colspan="{len(shown)}" style="text-align:left">{html.escape(result.problem)}</td>'
        else:
            cells += "".join(f"<td>{cell(result.scores[metric.key])}</td>" for metric in shown)
        body += f"<tr>{cells}</tr>"
    failed = len(results.failed)
    words = f"{len(results.results)} scans, {failed} without a result; the worst come first."
    return (
        f"<!doctype html><meta charset=utf-8><title>scans</title><style>{STYLE}</style><h1>Scans</h1><p>{words}</p>"
        f"<table><tr><th>scan</th>{head}</tr>{body}</table>\n"
    )
