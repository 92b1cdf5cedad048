"""`isofield interpolate RUN A B -o DIR`: shapes between two others."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import tyro

from isofield.cli import output
from isofield.cli.parsing import Argument, Cells, Json, OutFolder, Progress
from isofield.cli.progress import shown
from isofield.configs.common import check_resolution
from isofield.errors import InputError
from isofield.files import check_output

WAY = "way.gif"


def interpolate(
    run: Argument,
    first: Annotated[str, tyro.conf.Positional],
    last: Annotated[str, tyro.conf.Positional],
    *,
    out: OutFolder,
    steps: int = 9,
    up: Literal["x", "y", "z"] = "y",
    resolution: Cells = None,
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Interpolate two codes: meshes 000.ply, 001.ply ..., codes.npz, report.csv and an animation, way.gif.

    The meshes are in the normalised space. A code without a surface is marked in report.csv; exit status 1. A space of
    pictures gives 000.png, 001.png ... instead of meshes.

    Args:
        run: The folder that `isofield train` wrote.
        first: The id of a training shape (`isofield info RUN` lists them), or a file, whose code is inferred.
        last: The same.
        out: The folder to write into.
        steps: Number of shapes, both ends included.
        up: The axis that points up in the picture.
        resolution: Cells of the meshes along the longest side, 8 to 1024 (default: the field's own).
    """
    check_resolution(resolution)
    if steps < 2:
        raise InputError(f"--steps must be at least 2, not {steps}.")
    check_output(out / WAY, ("gif",))
    from isofield import api, render
    from isofield.api.latent_ops import code_of
    from isofield.cli.picture_output import new_pictures
    from isofield.cli.space_output import animated_shapes

    begun = time.perf_counter()
    space = api.load_run(run)
    with shown(out.name, progress) as report:
        report("inferring the ends", 0.0)
        codes = space.interpolate(code_of(space, first), code_of(space, last), steps)
        if space.of_pictures:
            pictures, figures = new_pictures(space, codes, out, resolution, report)
            render.write_gif(pictures, out / WAY)
            figures["files"] += [str(out / WAY)]
        else:
            figures = animated_shapes(space, codes, out / WAY, resolution, up, report)
    figures = {"input": f"{first}, {last}", **figures, "seconds": round(time.perf_counter() - begun, 2)}
    output.show(figures, json, f"isofield sample {output.quoted(run)} -n 9 -o {output.quoted(f'{out}-new')}")
    return int(bool(figures["failed"]))
