"""`isofield sample RUN -n N -o DIR`: new shapes from a space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

PICTURE = (300, 300)
"""Pixels of each shape on the sheet."""
COLUMNS = 6
"""Most shapes in a row of it."""


def sample(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    count: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 12,
    seed: int = 0,
    spread: float = 0.5,
    up: Literal["x", "y", "z"] = "y",
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Draw new shapes: meshes 000.ply, 001.ply ..., codes.npz, report.csv and a picture of all, shapes.png.

    A new shape lies between a random training shape and a random mixture of its neighbours. The meshes are in the
    normalised space. A code without a surface is marked in report.csv; exit status 1.

    Args:
        run: The folder that `isofield train` wrote.
        out: The folder to write into.
        count: Number of shapes.
        seed: The same seed gives the same shapes, and more of them begin with the same.
        spread: Largest distance from a training shape, as a multiple of the median distance between neighbours; 0 gives
            training shapes.
        up: The axis that points up in the picture.
        resolution: Cells of the meshes along the longest side, 8 to 1024 (default: the field's own).
        progress: Show progress on standard error.
        json: Print the results as JSON to standard output.
    """
    import math
    import time

    from isofield import io
    from isofield.cli import output
    from isofield.cli.progress import listen, shown
    from isofield.configs.common import check_resolution, check_seed
    from isofield.errors import InputError

    check_resolution(resolution)
    check_seed(seed)
    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    if not 0 <= spread <= 2:
        raise InputError(f"--spread {spread:g} is out of range: give 0 to 2.")
    io.check_output(out / "shapes.png", ("png",))
    listen()
    import trimesh

    from isofield import api, render
    from isofield.cli.space_output import new_shapes

    begun = time.perf_counter()
    space = api.load_run(run)
    codes = space.sample(count, seed, spread)
    with shown(out.name, progress) as report:
        made, figures = new_shapes(space, codes, out, resolution, report)
        panels = [
            render.Panel(mesh, row["id"], f"nearest: {row['nearest']}")
            for mesh, row in zip(made, figures["each"], strict=True)
            if mesh is not None
        ]
        if panels:
            report("picture", 0.0)
            rows = math.ceil(len(panels) / COLUMNS)
            meshes = [mesh for mesh in made if mesh is not None]
            everything = trimesh.Trimesh(
                *trimesh.util.append_faces([m.vertices for m in meshes], [m.faces for m in meshes])
            )
            view = render.camera_for(everything, size=PICTURE, up=up)
            render.sheet(panels, out / "shapes.png", view=view, columns=math.ceil(len(panels) / rows), up=up)
            figures["files"] += [str(out / "shapes.png")]
    figures = {"input": str(run), **figures, "seconds": round(time.perf_counter() - begun, 2)}
    output.show(figures, json, f"isofield info {output.quoted(out / '000.ply')}")
    return int(bool(figures["failed"]))
