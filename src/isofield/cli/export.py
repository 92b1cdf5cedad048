"""`isofield export FIELD -o OUT`: export of a field to other programs."""

from __future__ import annotations

import time

from isofield.cli import output
from isofield.cli.parsing import Argument, Cells, Json, Out, Progress
from isofield.cli.progress import shown
from isofield.configs.common import check_resolution
from isofield.files import check_output


def export(
    field: Argument,
    *,
    out: Out,
    resolution: Cells = None,
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Export a field: a network as ONNX, samples on a regular grid, or the mesh for printing.

    Args:
        field: The folder that `isofield fit` wrote.
        out: .onnx, a grid as .npy (origin and spacing in a .json beside it), .npz or .vtk, or a mesh as .3mf.
        resolution: Cells along the longest side, 8 to 1024 (default: 128 for a grid, the field's own for a mesh).
    """
    check_output(out, ("onnx", "npy", "npz", "vtk", "3mf"))
    check_resolution(resolution)

    from isofield import api

    begun = time.perf_counter()
    sdf = api.load_sdf(field)
    with shown(out.name, progress) as report:
        api.export(sdf, out, resolution, report)
    figures = {
        "field": str(field),
        "kind": sdf.kind,
        "seconds": round(time.perf_counter() - begun, 3),
        "files": [str(out)],
    }
    output.show(figures, json, following=f"isofield mesh {output.quoted(field)} -o mesh.ply")
    return 0
