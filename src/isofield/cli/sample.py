"""`isofield sample RUN -n N -o DIR`: new shapes from a space."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import tyro

from isofield.cli import output
from isofield.cli.parsing import Argument, Cells, Flag, Json, OutFolder, Progress
from isofield.cli.progress import shown
from isofield.configs.common import check_resolution, check_seed
from isofield.errors import InputError
from isofield.files import check_output

SHEET = "shapes.png"


def sample(
    run: Argument,
    *,
    out: OutFolder,
    count: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 12,
    seed: int = 0,
    spread: float = 0.5,
    normal: Flag = False,
    up: Literal["x", "y", "z"] = "y",
    resolution: Cells = None,
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Draw new shapes: meshes 000.ply, 001.ply ..., codes.npz, report.csv and a picture of all, shapes.png.

    A new shape lies between a random training shape and a random mixture of its neighbours. The meshes are in the
    normalised space. A code without a surface is marked in report.csv; exit status 1. A space of pictures gives
    000.png, 001.png ... instead of meshes.

    Args:
        run: The folder that `isofield train` wrote.
        out: The folder to write into.
        count: Number of shapes.
        seed: The same seed gives the same shapes, and more of them begin with the same.
        spread: Largest distance from a training shape, as a multiple of the median distance between neighbours; 0 gives
            training shapes.
        normal: Draw codes normally distributed as the training codes are, --spread times as far from their mean: for a
            variational encoder, and for shapes that are all alike.
        up: The axis that points up in the picture.
        resolution: Cells of the meshes along the longest side, 8 to 1024 (default: the field's own).
    """
    check_resolution(resolution)
    check_seed(seed)
    if count < 1:
        raise InputError(f"--count must be at least 1, not {count}.")
    if not 0 <= spread <= 2:
        raise InputError(f"--spread {spread:g} is out of range: give 0 to 2.")
    check_output(out / SHEET, ("png",))
    from isofield import api
    from isofield.api.space import NEIGHBOURS
    from isofield.cli.picture_output import new_pictures, write_sheet
    from isofield.cli.space_output import pictured_shapes

    begun = time.perf_counter()
    space = api.load_run(run)
    codes = space.sample(count, seed, spread, None if normal else NEIGHBOURS)
    with shown(out.name, progress) as report:
        if space.of_pictures:
            pictures, figures = new_pictures(space, codes, out, resolution, report)
            write_sheet(pictures, out / SHEET)
            figures["files"] += [str(out / SHEET)]
        else:
            figures = pictured_shapes(space, codes, out / SHEET, resolution, up, report)
    figures = {"input": str(run), **figures, "seconds": round(time.perf_counter() - begun, 2)}
    if space.of_pictures:
        following = f"open {output.quoted(out / SHEET)}"
    else:
        made = [out / f"{row['id']}.ply" for row in figures["each"] if not row["error"]]
        following = f"isofield info {output.quoted(made[0] if made else run)}"
    output.show(figures, json, following)
    return int(bool(figures["failed"]))
