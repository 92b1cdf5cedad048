"""`isofield query FIELD POINTS -o OUT`: values of a field at points."""

from __future__ import annotations

import math
import time
import warnings
from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli import output
from isofield.cli.parsing import Argument, Flag, Json, Out
from isofield.errors import InputError
from isofield.files import check_output

SIDE, MARGIN = 512, 0.1
"""Cells along the longer side of a slice, and room around the box of the surface, as a fraction of its longest side."""


def query(
    field: Argument,
    points: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None,
    *,
    out: Out,
    normals: Flag = False,
    projections: Flag = False,
    confidence: Flag = False,
    slice: Annotated[str | None, tyro.conf.arg(metavar="AXIS[=POSITION]", help_behavior_hint="")] = None,
    json: Json = False,
) -> int:
    """Evaluate a field at the points of a file, or draw it in a plane: signed distances, negative inside, in the units
    of the shape.

    Args:
        field: The folder that `isofield fit` wrote.
        points: A file of points, or a mesh for its vertices.
        out: What to write: .csv or .npy with columns, .npz with named arrays, .ply; with --slice a picture, .png.
        normals: Write the outward normals, too.
        projections: Write the projections of the points onto the surface, too.
        confidence: Write how far the field is trusted at each point, too: 1 near observed points, 0 beyond its reach.
        slice: In place of points: a picture of the distances in the plane across this axis, x, y or z, at this position
            in the shape's units (default: the middle), with level sets; the inside is darker.
    """
    from isofield import io

    if (points is None) == (slice is None):
        raise InputError("a field is evaluated at POINTS or drawn in the plane of --slice: give one of them.")
    if slice is not None:
        if normals or projections or confidence:
            raise InputError("--slice draws distances alone: leave --normals, --projections and --confidence out.")
        return _draw(field, slice, out, json)
    assert points is not None
    check_output(out, ("csv", "npy", "npz", "ply"))
    x = io.vertices_of(io.read(points))

    import numpy as np

    from isofield import api

    sdf = api.load_sdf(field)
    begun = time.perf_counter()
    result = api.query(sdf, x, normals, projections, confidence)
    seconds = time.perf_counter() - begun
    api.write_query(result, out)
    lost = int(np.count_nonzero(~np.isfinite(x).all(axis=1)))
    if lost:
        warnings.warn(f"{points}: {lost} of {len(x)} points are not finite; their values are NaN", stacklevel=2)
    finite = result.distances[np.isfinite(result.distances)]
    figures = {
        "field": str(field),
        "points": len(x),
        "inside": int(np.count_nonzero(finite < 0)),
        "least": float(finite.min()) if len(finite) else None,
        "greatest": float(finite.max()) if len(finite) else None,
        "seconds": round(seconds, 3),
        "files": [str(out)],
    }
    output.show(figures, json, following=f"isofield info {output.quoted(field)}")
    return 0


def _draw(field: Path, plane: str, out: Path, json: bool) -> int:
    """Write the picture of a slice."""
    import numpy as np

    from isofield import api, render
    from isofield.render.slices import line_step, slice_of, slice_picture

    axis, position = _plane(plane)
    check_output(out, ("png",))
    sdf = api.load_sdf(field)
    begun = time.perf_counter()
    low, high = sdf.similarity.invert(np.array([sdf.lower, sdf.upper]))
    margin = MARGIN * float((high - low).max())
    where = float(low[axis] + high[axis]) / 2 if position is None else position
    cut = slice_of(lambda x: np.asarray(sdf(x)), low - margin, high + margin, axis, where, SIDE)
    render.save(slice_picture(cut), out)
    figures = {
        "field": str(field),
        "plane": f"{'xyz'[axis]} = {where:.6g}",
        "lines": line_step(cut.values),
        "least": float(cut.values.min()),
        "greatest": float(cut.values.max()),
        "seconds": round(time.perf_counter() - begun, 3),
        "files": [str(out)],
    }
    output.show(figures, json, following=f"isofield view {output.quoted(field)}")
    return 0


def _plane(text: str) -> tuple[int, float | None]:
    """The axis, 0 to 2, and the position of AXIS[=POSITION]. Raises InputError for anything else."""
    axis, equal, position = text.partition("=")
    try:
        where = float(position) if equal else None
        if axis in ("x", "y", "z") and (where is None or math.isfinite(where)):
            return "xyz".index(axis), where
    except ValueError:
        pass
    raise InputError(f"--slice {text} is not a plane: give x, y or z, or one with a position, such as z=0.5.")
