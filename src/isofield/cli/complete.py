"""`isofield complete RUN INPUT -o OUT`: the whole of a shape of which a part was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from isofield.configs.limits import ETA

COLUMNS = 12
"""An array of points has no more: place, normal, colour and a few others."""


def complete(
    run: Annotated[Path, tyro.conf.Positional],
    input: Annotated[Path, tyro.conf.Positional],
    *,
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="OUT.ply|DIR")],
    camera: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None,
    background: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    sensor: Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="X Y Z", help_behavior_hint="")] = None,
    normalize: Literal["space", "shapes"] = "space",
    center: Annotated[tuple[float, float, float] | None, tyro.conf.arg(metavar="X Y Z", help_behavior_hint="")] = None,
    scale: Annotated[float | None, tyro.conf.arg(metavar="S", help_behavior_hint="")] = None,
    pose: Annotated[Literal["rigid", "similarity"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    turned: Annotated[float, tyro.conf.arg(metavar="DEGREES")] = 180.0,
    eta: float = ETA,
    samples: int = 1,
    refine: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seed: int = 0,
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Complete a shape of which a part was seen: a cloud, a mesh with a part missing, or a depth image.

    The part's own box does not tell where and how large the whole is. So the input has to be in the frame of the space:
    as its shapes are once they are normalised (centre of the box at 0, farthest point at 1 / 1.03), or let --center and
    --scale, --normalize shapes or --pose lead there. A folder OUT also gets codes.npz and report.csv, as `infer` writes
    them.

    Args:
        run: The folder that `isofield train` wrote.
        input: A cloud, a mesh, or a depth image (.png of 16 bits in millimetres, .npy in metres).
        out: The mesh to write, or a folder: of several completions, or of one with its code and a table.
        camera: INPUT is a depth image, and this file its camera: {"K": 3x3, "pose": 4x4}, from camera to world.
        background: Where the depth image measured nothing, nothing is (true of rendered ones).
        sensor: Where the points were seen from, in their units: it tells their sides and the empty space before them.
        normalize: The input is as the normalised shapes are, or in the units of the training shapes, where all of them
            were normalised alike.
        center: What is subtracted from the input, before --scale.
        scale: What it is multiplied with.
        pose: How the part stands in the frame of the space is looked for, too: rotation and shift, or scale as well.
        turned: With --pose: how far it may be turned; few degrees need fewer starts.
        eta: How far from the surface its distance is known, in normalised units.
        samples: How many completions: the most probable one, and others that differ where nothing was seen.
        refine: Adapt the field to what the code cannot hold of the seen surface.
        seed: Of the samples.
        resolution: Of the meshes: cells along the longest side, 8 to 1024 (default: what the field holds).
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    import time

    from isofield import io
    from isofield.cli import output, space_output
    from isofield.cli.outputs import is_folder
    from isofield.cli.progress import shown
    from isofield.cli.signals import listen
    from isofield.cli.validation import check_resolution, check_seed
    from isofield.errors import InputError

    check_resolution(resolution)
    check_seed(seed)
    posing = space_output.posing_of(pose, turned)
    folder = is_folder(out)
    if samples < 1:
        raise InputError(f"--samples {samples} makes nothing: give at least 1.")
    if samples > 1 and not folder:
        raise InputError(f"{out} is one file, but there are {samples} completions: let --out name a folder.")
    if (center is None) != (scale is None) or (scale is not None and not 0 < scale < float("inf")):
        raise InputError("--center and --scale belong together: give both, --scale greater than 0.")
    if center is not None and normalize != "space":
        raise InputError("--center and --scale say where the input is: leave --normalize out.")
    if background and camera is None:
        raise InputError("--background is about depth images: give --camera with it.")
    if camera is None and _is_depth(input):
        raise InputError(f"{input} is a picture, and a depth image goes with its camera: give --camera FILE.json.")
    mesh = Path(out) / f"{input.stem}.ply" if folder else Path(out)
    io.check_output(mesh)
    listen()
    from isofield import api
    from isofield.types import Similarity

    begun = time.perf_counter()
    space = api.load_run(run)
    frame = Similarity(center, scale) if center is not None and scale is not None else Similarity((0.0, 0.0, 0.0), 1.0)
    if normalize == "shapes":
        frame = api.shared_frame(space)
    with shown(input.name, progress) as report:
        report("reading", 0.0)
        source = input if camera is None else io.read_views([input], camera)
        report("completing", 0.2)
        found = api.complete(
            space, source, frame=frame, eta=eta, sensor=sensor, background=background, samples=samples, posing=posing,
            refine=refine, name=input.stem, seed=seed,
        )  # fmt: skip
        rows = []
        for number, one in enumerate(found):
            report("writing", 0.5 + 0.5 * number / samples)
            rows.append(space_output.written(one, mesh.with_stem(one.id) if folder else mesh, None, resolution))
    figures = (
        space_output.tables(found, rows, mesh.parent)
        if folder
        else {**space_output.row_figures(rows[0]), "files": [out]}
    )
    figures = {"input": str(input), **figures, "seconds": round(time.perf_counter() - begun, 2)}
    if posing is None:
        space_output.tell_far(rows, "--pose rigid looks for how the part stands, --center and --scale say it")
    output.show(figures, json, f"isofield evaluate {output.quoted(mesh)} TRUTH")
    return 0


def _is_depth(path: Path) -> bool:
    """Whether a file is a picture, or an array of more columns than points have."""
    import numpy as np

    if path.suffix.lower() != ".npy":
        return path.suffix.lower() == ".png"
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError):
        return False
    return len(shape) == 2 and shape[1] > COLUMNS
