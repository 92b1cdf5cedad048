"""`isofield interpolate RUN A B -o DIR`: the way from one shape to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

PICTURE = (400, 400)
"""Pixels of the moving picture."""


def interpolate(
    run: Annotated[Path, tyro.conf.Positional],
    first: Annotated[str, tyro.conf.Positional],
    last: Annotated[str, tyro.conf.Positional],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    steps: int = 9,
    up: Literal["x", "y", "z"] = "y",
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Go straight from one code to another: meshes 000.ply, 001.ply ..., codes.npz and a moving picture way.gif.

    The meshes are in the normalised space.

    Args:
        run: The folder that `isofield train` wrote.
        first: The id of a training shape, or a file whose code is looked for first.
        last: The same.
        out: The folder to write into.
        steps: How many shapes, both ends included.
        up: The axis that points up in the picture.
        resolution: Of the meshes: cells along the longest side, 8 to 1024 (default: what the field holds).
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    import time

    from isofield import io
    from isofield.cli import output
    from isofield.cli.progress import shown
    from isofield.cli.signals import listen
    from isofield.cli.validation import check_resolution
    from isofield.errors import InputError

    check_resolution(resolution)
    if steps < 2:
        raise InputError(f"--steps {steps} is no way: give at least 2.")
    io.check_output(out / "way.gif", ("gif",))
    listen()
    import trimesh

    from isofield import api, render
    from isofield.api.latent_ops import code_of
    from isofield.cli.space_output import new_shapes

    begun = time.perf_counter()
    space = api.load_run(run)
    with shown(out.name, progress) as report:
        report("finding the ends", 0.0)
        codes = space.interpolate(code_of(space, first), code_of(space, last), steps)
        meshes, files = new_shapes(space, codes, out, resolution, report)
        everything = trimesh.Trimesh(
            *trimesh.util.append_faces([m.vertices for m in meshes], [m.faces for m in meshes])
        )
        view = render.camera_for(everything, size=PICTURE, up=up)
        render.animate(meshes, out / "way.gif", view=view, up=up)
    figures = {
        "input": f"{first}, {last}", "shapes": steps, "watertight": all(mesh.is_watertight for mesh in meshes),
        "seconds": round(time.perf_counter() - begun, 2), "files": [*files, str(out / "way.gif")],
    }  # fmt: skip
    output.show(figures, json, f"isofield sample {output.quoted(run)} -n 9 -o {output.quoted(f'{out}-new')}")
    return 0
