"""`isofield infer RUN INPUT... -o DIR`: shapes that a space was not trained with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from isofield.api import InferenceResult


def infer(
    run: Annotated[Path, tyro.conf.Positional],
    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT ...", help_behavior_hint="")
    ],
    *,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    split: Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")] = None,
    refine: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP", help_behavior_hint="")] = None,
    pose: Annotated[Literal["rigid", "similarity"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    turned: Annotated[float, tyro.conf.arg(metavar="DEGREES")] = 180.0,
    field: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS", help_behavior_hint="")] = None,
    progress: bool = True,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Find the codes of shapes in a space, and write their meshes, in the units of each input.

    DIR gets a mesh ID.ply for every shape, codes.npz (ids, codes, center, scale) and report.csv: how well the field
    agrees with samples that were held out, and how far the code is from those of the training shapes.

    Args:
        run: The folder that `isofield train` wrote, or an experiment of DeepSDF's released code.
        inputs: Meshes, clouds, samples (.npz with pos and neg), folders of them, or one prepared data set.
        out: The folder to write into.
        split: Of a prepared data set: the ids to take, its part "test" where it has parts (default: all shapes).
        refine: Adapt the fields to what codes alone cannot hold.
        checkpoint: The snapshot of the training to take (default: latest).
        pose: How shapes stand in the frame of the space is looked for, too: rotation and shift, or scale as well; the
            meshes come back as the inputs stand.
        turned: With --pose: how far they may be turned; few degrees need fewer starts.
        field: A folder to write the fields into, too, one folder each.
        resolution: Of the meshes: cells along the longest side, 8 to 1024 (default: what the field holds).
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    import time

    from isofield import io
    from isofield.cli import output, space_output
    from isofield.cli.progress import shown
    from isofield.cli.signals import listen
    from isofield.cli.validation import check_resolution
    from isofield.errors import InputError

    if not inputs:
        raise InputError("INPUTS are missing; `isofield infer --help` lists the options.")
    check_resolution(resolution)
    posing = space_output.posing_of(pose, turned)
    io.check_output(out / "report.csv", ("csv",))
    listen()
    from isofield import api
    from isofield.api import infer_all

    begun = time.perf_counter()
    space = api.load_run(run, checkpoint)
    names, observed = api.observed_in(inputs, space.prepare, split)
    rows: list[dict[str, Any]] = []
    shapes_found: list[InferenceResult] = []
    interrupted = False
    with shown(out.name, progress) as report:
        report(f"{len(names)} shapes", 0.0)
        try:
            for found in infer_all(space, observed, refine, posing):
                shapes_found.append(found)
                folder = None if field is None else field / found.id
                rows.append(space_output.written(found, out / f"{found.id}.ply", folder, resolution))
                report(f"{len(names)} shapes", len(rows) / len(names))
        except KeyboardInterrupt:
            if not rows:
                raise
            interrupted = True
    figures = {
        "input": ", ".join(map(str, inputs)), **space_output.tables(shapes_found[: len(rows)], rows, out),
        "seconds": round(time.perf_counter() - begun, 2), "interrupted": interrupted,
    }  # fmt: skip
    if posing is None:
        space_output.tell_far(
            rows, "--pose rigid looks for how they stand, `isofield complete` takes a part of a shape"
        )
    else:
        space_output.tell_far(rows, "`isofield complete` takes a part of a shape")
    output.show(figures, json, f"isofield evaluate {output.quoted(out)} TRUTH")
    return 130 if interrupted else 0
