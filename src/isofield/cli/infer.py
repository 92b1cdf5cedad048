"""`isofield infer RUN INPUT... -o DIR`: shapes that a space was not trained with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from isofield.api import Found


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
        field: A folder to write the fields into, too, one folder each.
        resolution: Of the meshes: cells along the longest side, 8 to 1024 (default: what the field holds).
        progress: Show progress on standard error.
        json: Print the figures as JSON to standard output.
    """
    import time

    from isofield import shapes
    from isofield.cli import reporting
    from isofield.cli.checks import check_resolution
    from isofield.cli.interrupts import listen
    from isofield.cli.progress import shown
    from isofield.errors import InputError

    if not inputs:
        raise InputError("INPUTS are missing; `isofield infer --help` lists the options.")
    check_resolution(resolution)
    shapes.check_output(out / "report.csv", ("csv",))
    listen()
    from isofield import api
    from isofield.api import infer_all

    begun = time.perf_counter()
    space = api.load_run(run, checkpoint)
    names, observed = api.observed_in(inputs, space.prepare, split)
    rows: list[dict[str, Any]] = []
    results: list[Found] = []
    interrupted = False
    with shown(out.name, progress) as report:
        report(f"{len(names)} shapes", 0.0)
        try:
            for found in infer_all(space, observed, refine):
                results.append(found)
                rows.append(_written(found, out, field, resolution))
                report(f"{len(names)} shapes", len(rows) / len(names))
        except KeyboardInterrupt:
            if not rows:
                raise
            interrupted = True
    results = results[: len(rows)]
    files = [out / "codes.npz", out / "report.csv"]
    api.write_codes(results, files[0])
    reporting.write_table(rows, files[1])
    figures = {
        "input": ", ".join(map(str, inputs)), "shapes": len(rows), "loss": _median(rows, "loss"),
        "code_distance": _median(rows, "distance"), "code_usual": results[0].usual,
        "seconds": round(time.perf_counter() - begun, 2), "interrupted": interrupted,
        "files": [str(out), *map(str, files)], "each": rows,
    }  # fmt: skip
    reporting.show(figures, json, f"isofield evaluate {reporting.quoted(out)} TRUTH")
    return 130 if interrupted else 0


def _written(found: Found, out: Path, field: Path | None, resolution: int | None) -> dict[str, Any]:
    """Writes the mesh and, if asked, the field of one shape: its row of the table."""
    from isofield import shapes

    extraction = found.sdf.extract(resolution)
    mesh = out / f"{found.id}.ply"
    shapes.write_mesh(extraction.mesh, mesh)
    if field is not None:
        found.sdf.save(field / found.id)
    return {
        "id": found.id, "loss": found.loss, "nearest": found.nearest, "distance": found.distance, "usual": found.usual,
        "watertight": bool(extraction.mesh.is_watertight), "faces": len(extraction.mesh.faces),
        "dropped": extraction.dropped, "mesh": str(mesh),
    }  # fmt: skip


def _median(rows: list[dict[str, Any]], name: str) -> float:
    import statistics

    return statistics.median(row[name] for row in rows)
