"""`isofield query FIELD POINTS -o OUT`: what a field says of points."""

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
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Ask a field at the points of a file: signed distances, negative inside, in the shape's units.

    Args:
        field: The folder that `isofield fit` wrote.
        points: A file of points, or a mesh, whose vertices are asked.
        out: What to write: .csv or .npy with columns, .npz with named arrays, .ply.
        normals: Also the outward normals.
        projections: Also the feet of the points on the surface.
        json: Print the figures as JSON to standard output.
    """
    import time
    import warnings

    from isofield import io
    from isofield.cli import output

    io.check_output(out, ("csv", "npy", "npz", "ply"))
    asked = io.vertices_of(io.read(points))

    import numpy as np

    from isofield import api

    sdf = api.load_sdf(field)
    begun = time.perf_counter()
    answers = api.query(sdf, asked, normals, projections)
    took = time.perf_counter() - begun
    api.write_answers(answers, out)
    lost = int(np.count_nonzero(~np.isfinite(asked).all(axis=1)))
    if lost:
        warnings.warn(f"{points}: {lost} of {len(asked)} points are not finite, and so are their answers", stacklevel=2)
    known = answers.distances[np.isfinite(answers.distances)]
    figures = {
        "field": str(field),
        "points": len(asked),
        "inside": int(np.count_nonzero(known < 0)),
        "least": float(known.min()) if len(known) else None,
        "greatest": float(known.max()) if len(known) else None,
        "seconds": round(took, 3),
        "files": [str(out)],
    }
    output.show(figures, json, following=f"isofield info {output.quoted(field)}")
    return 0
