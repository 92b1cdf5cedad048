"""`isofield infer RUN INPUT... -o DIR`: the codes of unseen shapes in a space."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from isofield.cli import output
from isofield.cli.errors import say
from isofield.cli.parsing import Argument, Cells, Flag, Folder, Json, JsonFile, OutFolder, Progress, assigned
from isofield.cli.progress import shown
from isofield.configs.common import check_resolution, check_rotation
from isofield.errors import InputError
from isofield.files import check_output
from isofield.folder_format import INPUTS, REPORT

if TYPE_CHECKING:
    from isofield.api import ShapeSpace
    from isofield.cli.space_output import Row


FEW = 0.1
"""A space with a smaller fraction of its method's default steps is hardly trained."""


def infer(
    run: Argument,
    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT ...", help_behavior_hint="")
    ],
    *,
    out: OutFolder,
    split: JsonFile = None,
    refine: Flag = False,
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP", help_behavior_hint="")] = None,
    pose: Annotated[Literal["rigid", "similarity"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    max_rotation: Annotated[float, tyro.conf.arg(metavar="DEGREES")] = 180.0,
    by: Annotated[str | None, tyro.conf.arg(metavar="WAY", help_behavior_hint="")] = None,
    settings: Annotated[
        tuple[str, ...], tyro.conf.arg(name="set", metavar="NAME=VALUE ...", help_behavior_hint="")
    ] = (),
    field: Folder = None,
    copies: Folder = None,
    resolution: Cells = None,
    device: Literal["auto", "cpu", "cuda"] = "cpu",
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Infer the codes of unseen shapes in a space, and write their meshes, in the units of each input, or pictures.

    DIR gets a mesh ID.ply for each shape, codes.npz (ids, codes, center, scale), report.csv (how well each field agrees
    with held-out samples, how far the code is from those of the training shapes) and timing.csv (seconds for reading,
    code and mesh). An input that cannot be read, and a code without a surface, are marked there; exit status 1. A space
    of pictures gives ID.png (signed distances beside the true ones), pictures.png of the first ones, and errors at the
    pixels.

    Args:
        run: The folder that `isofield train` wrote, or an experiment of DeepSDF's released code.
        inputs: Meshes, clouds, samples (.npz with pos and neg), or pictures, folders of them, or one prepared data set.
            A shape in pictures: one, or a folder of several that show it.
        out: The folder to write into.
        split: The ids to take of a prepared data set, its part "test" where it has parts (default: all shapes).
        refine: Correct the fields towards what codes alone cannot represent.
        checkpoint: The snapshot of the training to take (default: latest).
        pose: Search the pose of each shape in the frame of the space, too: rotation and shift, or scale as well. The
            meshes come back as the inputs lie.
        max_rotation: The largest rotation that --pose tries; small ones need fewer starts.
        by: How codes are inferred, where the method has several ways: one of its `infer_by`, which
            `isofield train METHOD --help` lists (default: that of the training).
        settings: Other settings of the inference, those that begin with `infer_`, such as infer_steps=400.
        field: A folder for the fields, one folder each.
        copies: A folder for copies of the inputs as the space saw them: points of the surface (ID.ply), or pictures
            (ID.png; by default in DIR/inputs).
        resolution: Cells of the meshes along the longest side, 8 to 1024 (default: the field's own); pixels of
            pictures.
        device: Where to infer the codes.
    """
    if not inputs:
        raise InputError("INPUTS are missing; `isofield infer --help` lists the options.")
    check_resolution(resolution)
    check_rotation(max_rotation)
    from isofield.datasets.layout import check_no_data

    check_no_data(out)
    check_output(out / REPORT, ("csv",))
    from isofield import api
    from isofield.cli import picture_output, space_output

    begun = time.perf_counter()
    search = None if pose is None else api.PoseSearch(pose == "similarity", max_rotation)
    space = api.load_run(run, checkpoint).with_inference(assigned(settings))
    if space.of_pictures and (refine or search or field or copies):
        raise InputError(f"{run} is of pictures: leave --refine, --pose, --field and --copies out.")
    of = space_output.Inference(inputs, out, split, device, by, resolution)
    with shown(out.name, progress) as report:
        if space.of_pictures:
            figures = picture_output.inferred(space, of, report)
        else:
            copies = out / INPUTS if copies is None and "views" in space.kinds else copies
            figures = space_output.inferred(
                space, of, report, refine=refine, search=search, fields=field, copies=copies
            )
    figures = {
        "input": ", ".join(map(str, inputs)), **figures, "seconds": round(time.perf_counter() - begun, 2),
    }  # fmt: skip
    if space.of_pictures:
        following = f"open {output.quoted(out / picture_output.SHEET)}"
    else:
        following = _judged(run, space, figures["each"], bool(search), out, split, checkpoint is not None)
    output.show(figures, json, following)
    return 130 if figures["interrupted"] else int(bool(figures["failed"]))


def _few_steps(space: ShapeSpace) -> str:
    """That a space was trained for less than `FEW` of the steps of its method's default; else nothing."""
    from isofield.configs.methods import SPACES, find_method
    from isofield.configs.training import training_of
    from isofield.training.trainer import steps_of

    plan = training_of(find_method(space.method, SPACES).settings())
    done = space.provenance.get("steps", "").split(" ")[0]
    if plan is None or not done.isdigit():
        return ""
    usual = plan.steps or plan.epochs * steps_of(len(space.shapes), plan.batch)
    return f"it was trained for {done} steps, and the default is {usual}" if int(done) < FEW * usual else ""


def _judged(
    run: Path, space: ShapeSpace, each: Sequence[Row], posed: bool, out: Path, split: Path | None, snapshot: bool
) -> str:  # fmt: skip
    """The command that follows; reports the shapes that the space may not represent, or that it is hardly trained."""
    from isofield.cli.space_output import note_fits
    from isofield.training import LOG

    rows = [row for row in each if "mesh" in row]
    surfaces = any(row["mesh"] for row in rows)
    complete = "`isofield complete` takes a part of a shape"
    if "views" in space.kinds:
        remedy = "a picture must show one whole shape before a plain background"
    elif posed:
        remedy = complete
    elif "signed" in space.kinds:
        remedy = f"--pose rigid searches for their pose, {complete}"
    else:
        remedy = f"--pose rigid searches for their pose, --pose similarity for their units, too; {complete}"
    steps = space.provenance.get("steps", "")
    if len(set(steps.split(" of "))) > 1 and not snapshot:
        remedy = f"its training ended after {steps} steps, and --resume continues it"
    elif few := _few_steps(space):
        remedy = f"{few}, so train longer; else {remedy}"
    if not surfaces and (run / LOG).is_file() and not any(row["far"] for row in rows):
        say(f"no shape has a surface: the space is hardly trained (its losses are in {run / LOG}); train longer.")
    else:
        note_fits(rows, remedy)
    part = "" if split is None else f" --split {output.quoted(split)}"
    if not surfaces or space.in_camera:  # true meshes have other axes than those of the cameras
        return f"isofield info {output.quoted(run)}"
    return f"isofield evaluate {output.quoted(out)} TRUTH{part}"
