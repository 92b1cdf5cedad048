"""`isofield fit INPUT... -o OUT`: scans, clouds, soups and meshes to watertight meshes and fields."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from isofield.cli.parsing import Cells, Flag, Folder, JsonFile, NoSettings, Progress, parse, parse_part, wants_help
from isofield.configs.common import (
    Init,
    NetworkKind,
    Normals,
    Quality,
    Surface,
    check_close_holes,
    check_finish,
    check_resolution,
    check_seed,
    noise_of,
)
from isofield.configs.methods import METHODS, choose, method_names, owner_of, read_config
from isofield.errors import InputError
from isofield.files import check_output, distinct_names, names_folder
from isofield.folder_format import CONFIG

Device = Literal["auto", "cpu", "cuda"]
S = TypeVar("S")
PROGRAM = "isofield fit"
MESH_IN_FIELD = "mesh.ply"
"""Name of the mesh inside a field folder."""


@dataclass(frozen=True)
class Choice:
    """What decides on the settings of a method."""

    method: str = "auto"
    config: str | None = None
    quality: Quality = "balanced"
    init: Init = "oriented"
    network: NetworkKind | None = None


@dataclass(frozen=True, kw_only=True)
class Fit(Generic[S]):
    """Fit shapes: a scan, cloud, soup or mesh in; a watertight mesh, and a field to query, out.

    Ctrl-C writes the best result so far, once there is one; a second one stops at once. Exit status 2 where an input
    cannot be fitted. Every setting of a method is an option, too: `isofield fit --method igr --help` lists them.

    Args:
        inputs: Files with a mesh or points (.ply .obj .off .stl .glb .xyz .pts .pcd .npy .npz ...).
        out: The mesh to write (.ply .obj .stl .off .glb), or a folder: of the field and its mesh for one input, of
            meshes for several.
        field: A folder for the field; with several inputs it gets one folder for each.
        merge: The inputs are registered scans of one shape: fit them together.
        poses: Motions that register the scans to merge: {"name without extension": 4x4 matrix, ...}.
        camera: The inputs are depth images of one shape (.png of 16 bits in millimetres, .npy in metres), and this
            file their cameras: {"K": 3x3, "poses": {"name": 4x4, ...}}, from camera to world, OpenCV's axes.
        method: How to fit; auto takes the best method for its time.
        config: Settings of the method: a preset (igr-paper: the paper's network, schedule and number of steps, which
            takes hours) or a .yaml or .json file of settings, in place of those of quality, init and network.
        quality: More time for more detail.
        init: Start of a learned method: from the orientation of the points, or as its paper does, with a fraction of
            its steps (config has all of them).
        network: Network of a learned method (default: the method's own).
        noise: Standard deviation of the points, as a fraction of the bounding box's diagonal.
        surface: Where no point is: closed closes the surface, open ends it where the points end (terrain, rooms, one
            view); auto decides by what was measured, and says why.
        close_holes: Holes of an open surface up to this size stay closed (input's units; default: 5 spacings of the
            points around them).
        viewpoint: Position of the sensor, in the input's axes and units, or a file (.txt .csv .npy .json) with one for
            each point, or with --merge for each scan, in the order of the inputs (--viewpoint=-1,0,2 where it begins
            with a minus).
        up: The sensor was far away in this direction (terrain, floors): z, -z, x, -x, y, -y or X,Y,Z.
        normals: Normals that came with the points: auto keeps their orientation if it is consistent, trust keeps it as
            it is, ignore drops them.
        drop_floor: Leave out the floor, or the table, that the shape stands on: a plane below all else, facing it.
        seed: The same seed gives the same result.
        device: Where to compute.
        resolution: Cells of the mesh along the longest side, 8 to 1024 (default: the field's own).
        keep_all: Keep components of the mesh that are near no point of the input.
        largest: Keep only the largest component of the mesh, with its cavities.
        faces: Reduce the mesh to this number of faces; it stays closed.
        trim: Open the mesh where no point of the input is within this distance (in its units).
        confidence: Write each vertex's distance to the nearest point of the input, and the confidence of the field
            there (0 to 1), into the mesh (.ply).
        preview: A picture of input and result, side by side (.png), or both as they turn (.gif, .mp4). A coarse .png is
            written first, of some of the points, and replaced as levels finish; Ctrl-C keeps what is there.
        frames: A folder for pictures of the surface while it forms, at steps spaced by their logarithm, with a strip
            and an animation.
        view: Show the surface in a browser while it forms, and after it until Ctrl-C.
        workers: Fit this many inputs at once, each in a process of its own on one core. Inputs that are fitted already,
            with the same options, stay as they are (fits.json beside the meshes says which).
        json: Print the results as JSON to standard output: an object, or a list for several inputs.
        settings: Settings of the method.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT ...", help_behavior_hint="")]
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="OUT")]
    field: Folder = None
    merge: Flag = False
    poses: JsonFile = None
    camera: JsonFile = None
    method: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(method_names(METHODS)) + "}")] = "auto"
    config: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE", help_behavior_hint="")] = None
    quality: Quality = "balanced"
    init: Init = "oriented"
    network: Annotated[NetworkKind | None, tyro.conf.arg(help_behavior_hint="")] = None
    surface: Surface = "auto"
    noise: Annotated[str, tyro.conf.arg(metavar="auto|FRACTION")] = "auto"
    close_holes: Annotated[float | None, tyro.conf.arg(metavar="SIZE", help_behavior_hint="")] = None
    viewpoint: Annotated[str | None, tyro.conf.arg(metavar="X,Y,Z|FILE", help_behavior_hint="")] = None
    up: Annotated[str | None, tyro.conf.arg(metavar="AXIS|X,Y,Z", help_behavior_hint="")] = None
    normals: Normals = "auto"
    drop_floor: Flag = False
    seed: int = 0
    device: Device = "auto"
    resolution: Cells = None
    keep_all: Flag = False
    largest: Flag = False
    faces: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    trim: Annotated[float | None, tyro.conf.arg(metavar="DISTANCE", help_behavior_hint="")] = None
    confidence: Flag = False
    preview: Annotated[Path | None, tyro.conf.arg(metavar="PICTURE", help_behavior_hint="")] = None
    frames: Folder = None
    view: Flag = False
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    progress: Progress = True
    json: Flag = False
    settings: Annotated[S, tyro.conf.arg(name="")]


@dataclass(frozen=True)
class Job:
    """One input and where its results go; None for what is not written. label: how messages name the input. merged:
    all scans of one shape; source is the first of them."""

    source: Path
    label: str
    mesh: Path
    field: Path | None = None
    preview: Path | None = None
    merged: tuple[Path, ...] = ()


def fit(arguments: Sequence[str]) -> int:
    """Runs `isofield fit` with these arguments: the exit status."""
    return run(options_of(arguments))


def options_of(arguments: Sequence[str]) -> Fit[Any]:
    """The options of a command line. Raises InputError for what is unknown or invalid, SystemExit after `--help`."""
    choice = parse_part(Choice, PROGRAM, arguments)
    if choice.method == "auto" and choice.config is not None:
        choice = replace(choice, method=owner_of(choice.config) or choice.method)
    settings: Any = NoSettings()
    if not wants_help(arguments) or choice != Choice():
        settings = settings_of(choice)
    default = Fit(inputs=tyro.MISSING, out=tyro.MISSING, settings=settings, **asdict(choice))
    return parse(Fit[type(settings)], PROGRAM, arguments, default)  # type: ignore[arg-type, misc]


def settings_of(choice: Choice) -> Any:
    """The settings that the options choose. Raises InputError for what is unknown or does not fit."""
    if choice.config is None:
        return choose(choice.method, choice.quality, choice.init, choice.network)
    if choice.init != "oriented" or choice.network is not None:
        raise InputError("--config has all settings: leave --init and --network out.")
    return read_config(choice.method, choice.config)


def run(options: Fit[Any]) -> int:
    """Checks what can be checked before any work, then fits: the exit status."""
    from isofield.cli.fit_job import one
    from isofield.cli.many_fits import several

    if not options.inputs:
        raise InputError("INPUTS are missing; `isofield fit --help` lists the options.")
    if not options.out:
        raise InputError("--out is empty: name a mesh (.ply .obj .stl .off .glb) or a folder.")
    check_resolution(options.resolution)
    check_seed(options.seed)
    check_finish(options.faces, options.trim)
    check_close_holes(options.close_holes)
    noise_of(options.noise)
    if options.viewpoint is not None and options.up is not None:
        raise InputError("--viewpoint and --up exclude each other: give one of them.")
    if options.camera is not None and (options.viewpoint is not None or options.up is not None):
        raise InputError("--camera has the positions of the sensors: leave --viewpoint and --up out.")
    if options.camera is not None and (options.merge or options.poses is not None):
        raise InputError("--camera has the poses of depth images of one shape: leave --merge and --poses out.")
    if options.poses is not None and not options.merge:
        raise InputError("--poses registers scans that are merged: give --merge with it.")
    merge = options.merge or options.camera is not None
    if options.workers < 1:
        raise InputError(f"--workers must be at least 1, not {options.workers}.")
    jobs = plan(options.inputs, options.out, options.field, options.preview, merge)
    if options.confidence and any(job.mesh.suffix.lower() != ".ply" for job in jobs):
        raise InputError(f"{jobs[0].mesh} cannot hold what --confidence writes: let --out end in .ply.")
    if len(jobs) > 1 and (options.frames is not None or options.view):
        raise InputError(f"--frames and --view show one shape, and there are {len(jobs)}: fit them one by one.")
    return one(jobs[0], options) if len(jobs) == 1 else several(jobs, options)


def plan(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None, merge: bool = False) -> list[Job]:
    """The jobs of `isofield fit INPUT... -o OUT`.

    One input: OUT with an extension is the mesh; OUT without one, or with a slash at its end, a field folder with the
    mesh in it. Several: OUT is a folder of meshes, and `field` one of field folders, named as the inputs; with `merge`
    they are one. Raises InputError for every output that cannot be written.
    """
    alone = len(inputs) == 1 or merge
    jobs = _one(inputs[0], out, field, preview) if alone else _several(inputs, out, field, preview)
    if merge:
        others = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
        jobs = [replace(jobs[0], label=jobs[0].label + others, merged=tuple(inputs))]
    for job in jobs:
        check_job(job)
    return jobs


def _one(source: Path, out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not names_folder(out):
        return [Job(source, source.name, Path(out), field, preview)]
    if field is not None:
        raise InputError(f"{out} is a field folder already: leave --field out, or let --out name the mesh (mesh.ply).")
    return [Job(source, source.name, Path(out) / MESH_IN_FIELD, Path(out), preview)]


def _several(inputs: Sequence[Path], out: str, field: Path | None, preview: Path | None) -> list[Job]:
    if not names_folder(out):
        raise InputError(
            f"{out} is one file, but there are {len(inputs)} inputs: let --out name a folder, or --merge the scans of "
            "one shape."
        )
    if preview is not None:
        raise InputError(f"--preview pictures one input, but there are {len(inputs)}: fit them one by one for it.")
    names = [Path(name) for name in distinct_names([source.stem for source in inputs], inputs)]
    return [
        Job(source, name.name + source.suffix, (Path(out) / name).with_name(name.name + ".ply"), field and field / name)
        for source, name in zip(inputs, names, strict=True)
    ]


def check_job(job: Job) -> None:
    """Raises InputError where a job could not write its results; nothing is left behind."""
    check_output(job.mesh)
    if os.path.realpath(job.mesh) in map(os.path.realpath, (job.source, *job.merged)):
        raise InputError(f"{job.mesh} is the input itself: give --out another name.")
    if job.field is not None:
        check_output(job.field / CONFIG, extensions=("json",))
        _check_field(job.field)
    if job.preview is not None:
        check_output(job.preview, extensions=("png", "gif", "mp4"))
        if job.preview.suffix.lower() == ".mp4":
            from isofield import render

            render.check_movie(job.preview)


def _check_field(folder: Path) -> None:
    """Raises InputError where the folder has a config.json that is not a field's."""
    path = folder / CONFIG
    if not path.is_file():
        return
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None
    if not (isinstance(config, dict) and {"format", "similarity"} <= config.keys()):
        raise InputError(f"{folder} has a {CONFIG} of something else, which would be overwritten: name another folder.")
