"""What a run says at its end: figures for people on standard error, or as JSON on standard output."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isofield.cli.errors import say
from isofield.files import csv_text, printable, write_text

if TYPE_CHECKING:
    from isofield.api import Extraction

LABELS = {
    "input": "input",
    "field": "field",
    "kind": "kind of field",
    "sampled": "faces that were sampled",
    "given_faces": "faces",
    "shapes": "shapes",
    "code": "length of a code",
    "megabytes": "megabytes",
    "loss": "held-out loss, median",
    "best_iou": "IoU of held-out shapes, best",
    "held_out": "held-out pictures",
    "expected": "that of training shapes, 95 %",
    "mse": "squared error at the pixels, mean",
    "l1": "absolute error at the pixels, mean",
    "wrong": "pixels on the wrong side, mean",
    "psnr": "peak signal-to-noise ratio in dB, mean",
    "explained": "observed surface explained, median",
    "code_distance": "code distance to the nearest training shape, median",
    "neighbour_distance": "that between training shapes, median",
    "rotation": "rotation in degrees, median",
    "failed": "failed",
    "accepted": "accepted",
    "repaired": "repaired",
    "rejected": "rejected",
    "points": "points",
    "points_used": "points fitted, after merging",
    "inside": "points inside",
    "plane": "plane",
    "lines": "between level sets",
    "least": "least distance",
    "greatest": "greatest distance",
    "floor": "floor left out, fraction of the input",
    "outliers": "outliers left out",
    "outlier_pieces": "pieces of outliers",
    "largest_piece": "points of the largest",
    "noise": "noise",
    "surface": "surface",
    "sensors": "sensors",
    "normals": "normals",
    "method": "method",
    "median": "points to surface, median",
    "p95": "points to surface, 95 %",
    "unseen": "area far from all points",
    "membranes": "area that closes holes",
    "rays_met": "rays from the sensors that meet the surface at their point",
    "rays_blocked": "rays that the surface blocks before their point",
    "volume": "volume",
    "watertight": "watertight",
    "problems": "problems",
    "components": "components",
    "genus": "genus (handles)",
    "faces": "faces",
    "dropped": "components dropped",
    "resolution": "resolution",
    "evaluations": "evaluations of the field",
    "code_seconds": "seconds for a code, mean",
    "seconds": "seconds",
    "interrupted": "interrupted",
    "files": "written",
}
"""The figures that are shown to people, in order; JSON has all."""

SHARES = ("wrong", "unseen", "membranes", "rays_met", "rays_blocked")
"""Fractions, shown in per cent."""
LENGTHS = ("noise", "median", "p95")
"""Figures in the input's units."""


def of_extraction(extraction: Extraction) -> dict[str, Any]:
    """The figures of an extracted mesh."""
    import numpy as np

    from isofield import topology

    mesh = extraction.mesh
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    edges, part = topology.edges_of(faces), topology.parts(faces)
    components, closed = int(part.max()) + 1, bool((edges.count == 2).all())
    euler = len(np.unique(faces)) - len(edges.ends) + len(faces)
    return {
        "watertight": closed,
        "problems": list(extraction.problems),
        "components": components,
        "genus": components - euler // 2 if closed else None,
        "volume": float(abs(topology.volumes(vertices, faces, part).sum())) if closed else None,
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "diagonal": float(np.linalg.norm(mesh.extents)),
        "membranes": extraction.membranes or None,
        "dropped": extraction.dropped,
        "resolution": extraction.resolution,
        "evaluations": extraction.evaluations,
        "extraction_seconds": round(extraction.seconds, 3),
    }


def show(figures: Mapping[str, Any], as_json: bool, following: str) -> None:
    """One run's figures; following: the command to type next."""
    if as_json:
        print_json({**figures, "next": following})
    else:
        say("\n".join([*lines(figures), f"next: {following}"]))


def lines(figures: Mapping[str, Any]) -> list[str]:
    """One line for each figure that has a label and a value."""
    diagonal = figures.get("diagonal")
    shown = [(label, _text(name, figures[name], diagonal)) for name, label in LABELS.items() if name in figures]
    shown = [(label, text) for label, text in shown if text]
    width = max(len(label) for label, _ in shown)
    return [f"{label:<{width}}  {text}" for label, text in shown]


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Rows with the same names as a .csv file, moved into place once it is whole."""
    write_text(path, csv_text(list(rows[0]), rows))


def print_json(value: Any) -> None:
    """A result on standard output; numbers that are not finite become null, as JSON has none."""
    print(printable(json.dumps(finite(value), indent=2, ensure_ascii=False)), flush=True)


def quoted(path: str | PathLike[str]) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def _text(name: str, value: Any, diagonal: float | None) -> str:
    if value is None or value == [] or (name in ("dropped", "interrupted") and not value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in SHARES:
        return f"{100 * value:.1f} %"
    if name == "seconds":
        return f"{value:.1f}"
    if name in LENGTHS:
        return f"{value:.3g}" + (f" ({100 * value / diagonal:.2g} % of the diagonal)" if diagonal else "")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def finite(value: Any) -> Any:
    """A result with null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
