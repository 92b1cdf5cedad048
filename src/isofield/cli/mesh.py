"""`isofield mesh FIELD -o OUT`: the mesh of a field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isofield.cli import output
from isofield.cli.parsing import Argument, Cells, Flag, Json
from isofield.configs.common import check_close_holes, check_finish, check_resolution
from isofield.errors import InputError
from isofield.files import check_output


def mesh(
    field: Argument,
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MESH")],
    resolution: Cells = None,
    level: float = 0.0,
    keep_all: Flag = False,
    largest: Flag = False,
    close_holes: Annotated[float | None, tyro.conf.arg(metavar="SIZE", help_behavior_hint="")] = None,
    faces: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    trim: Annotated[float | None, tyro.conf.arg(metavar="DISTANCE", help_behavior_hint="")] = None,
    confidence: Flag = False,
    json: Json = False,
) -> int:
    """Extract the mesh of a field at any resolution and level.

    Args:
        field: The folder that `isofield fit` wrote.
        out: The mesh to write: .ply .obj .stl .off .glb.
        resolution: Cells along the longest side, 8 to 1024 (default: the field's own).
        level: Distance of the surface from the shape, in its units: positive grows it, negative shrinks it.
        keep_all: Keep components without observed points nearby.
        largest: Keep only the largest component, with its cavities.
        close_holes: Holes of an open field's mesh up to this size stay closed (input's units; default: 5 spacings of
            the points around them).
        faces: Reduce the mesh to this number of faces; it stays closed.
        trim: Cut the mesh off where no observed point is within this distance (input's units).
        confidence: Write each vertex's distance to the nearest observed point, and the confidence of the field there
            (0 to 1), into the mesh (.ply).
    """
    from isofield import io

    check_output(out)
    check_resolution(resolution)
    check_finish(faces, trim)
    check_close_holes(close_holes)
    if confidence and out.suffix.lower() != ".ply":
        raise InputError(f"{out} cannot hold the values of --confidence: use a name that ends in .ply.")

    from isofield import api

    sdf = api.load_sdf(field)
    extraction = sdf.extract(resolution, level, keep_all, close_holes)
    extraction = api.postprocess(sdf, extraction, largest=largest, faces=faces, trim=trim, confidence=confidence)
    io.write_mesh(extraction.mesh, out)
    figures = {
        "field": str(field),
        **output.of_extraction(extraction),
        "seconds": round(extraction.seconds, 3),
        "files": [str(out)],
    }
    output.show(figures, json, following=f"isofield info {output.quoted(out)}")
    return 0
