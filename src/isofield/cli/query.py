"""`isofield query FIELD POINTS -o OUT`: values of a field at points."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def query(
    field: Annotated[Path, tyro.conf.Positional],
    points: Annotated[Path, tyro.conf.Positional],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT")],
    normals: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    projections: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    confidence: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Evaluate a field at the points of a file: signed distances, negative inside, in the shape's units.

    Args:
        field: The folder that `isofield fit` wrote.
        points: A file of points, or a mesh for its vertices.
        out: What to write: .csv or .npy with columns, .npz with named arrays, .ply.
        normals: Write the outward normals, too.
        projections: Write the projections of the points onto the surface, too.
        confidence: Write how far the field is trusted at each point, too: 1 near observed points, 0 beyond its reach.
        json: Print the figures as JSON to standard output.
    """
    import time
    import warnings

    from isofield import io
    from isofield.cli import output

    io.check_output(out, ("csv", "npy", "npz", "ply"))
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
