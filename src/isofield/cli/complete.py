"""`isofield complete RUN INPUT -o OUT`: a whole shape from a part of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from isofield.cli import output
from isofield.cli.parsing import Argument, Cells, Flag, Json, JsonFile, Progress
from isofield.cli.progress import shown
from isofield.configs.common import ETA, check_resolution, check_rotation, check_seed
from isofield.errors import InputError
from isofield.files import check_output, names_folder

if TYPE_CHECKING:
    from isofield.api import ShapeSpace
    from isofield.types import Similarity

COLUMNS = 12
"""Most columns of an array of points: position, normal, colour and a few others."""


def complete(
    run: Argument,
    input: Argument,
    *,
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="OUT.ply|DIR")],
    camera: JsonFile = None,
    background: Flag = False,
    viewpoint: Annotated[str | None, tyro.conf.arg(metavar="X,Y,Z", help_behavior_hint="")] = None,
    normalize: Literal["auto", "space", "shapes"] = "auto",
    center: Annotated[str | None, tyro.conf.arg(metavar="X,Y,Z", help_behavior_hint="")] = None,
    scale: Annotated[float | None, tyro.conf.arg(metavar="S", help_behavior_hint="")] = None,
    pose: Annotated[Literal["rigid", "similarity"] | None, tyro.conf.arg(help_behavior_hint="")] = None,
    max_rotation: Annotated[float, tyro.conf.arg(metavar="DEGREES")] = 180.0,
    eta: float = ETA,
    samples: int = 1,
    refine: Flag = False,
    seed: int = 0,
    resolution: Cells = None,
    progress: Progress = True,
    json: Json = False,
) -> int:
    """Complete a shape from a part of it: a cloud, a mesh with a part missing, or a depth image.

    A part does not show the position and size of its whole. So the input has to be in the units of the training shapes
    where all of them were normalised alike, and else as they are once they are normalised (centre of the box at 0,
    farthest point at 1 / 1.03); or --center and --scale lead there; or --pose searches, with scale unless the input has
    the units of the normalised shapes. A folder OUT also gets codes.npz and report.csv, as `infer` writes them.

    Args:
        run: The folder that `isofield train` wrote.
        input: A cloud, a mesh, or a depth image (.png of 16 bits in millimetres, .npy in metres).
        out: The mesh to write, or a folder: of several completions, or of one with its code and a report.
        camera: INPUT is a depth image, and this file its camera: {"K": 3x3, "pose": 4x4}, from camera to world.
        background: Pixels without a measurement are empty (true of rendered depth images).
        viewpoint: The position that the points were measured from, in their units: it gives their orientation and the
            empty space in front of them.
        normalize: The input is in the frame of the normalised shapes (space), or in the units of the training shapes,
            where all of them were normalised alike (shapes). auto: shapes where they were, else space.
        center: What is subtracted from the input, before --scale.
        scale: What it is multiplied by.
        pose: Search the pose of the part in the frame of the space: rotation and shift, or scale as well.
        max_rotation: The largest rotation that --pose tries; small ones need fewer starts.
        eta: Distance from the surface of the samples beside it, normalised.
        samples: Number of completions: the most probable one, and others that differ where nothing was observed.
        refine: Correct the field towards the observed surface.
        seed: The same seed gives the same samples.
        resolution: Cells of the meshes along the longest side, 8 to 1024 (default: the field's own).
    """
    from isofield import io

    check_resolution(resolution)
    check_seed(seed)
    check_rotation(max_rotation)
    folder = names_folder(out)
    if samples < 1:
        raise InputError(f"--samples must be at least 1, not {samples}.")
    if samples > 1 and not folder:
        raise InputError(f"{out} is one file, but there are {samples} completions: let --out name a folder.")
    _check_frame(center, scale, normalize)
    _check_camera(input, camera, background)
    mesh = Path(out) / f"{input.stem}.ply" if folder else Path(out)
    check_output(mesh)
    from isofield import api
    from isofield.cli import space_output

    begun = time.perf_counter()
    search = None if pose is None else api.PoseSearch(pose == "similarity", max_rotation)
    space = api.load_run(run)
    frame = _frame(space, center, scale, normalize)
    position = None if viewpoint is None else api.read_position(viewpoint, "--viewpoint").tolist()
    with shown(input.name, progress) as report:
        report("reading", 0.0)
        source = input if camera is None else io.read_views([input], camera)
        report("completing", 0.2)
        results = api.complete(
            space, source, frame=frame, eta=eta, viewpoint=position, background=background, samples=samples,
            pose=search, refine=refine, name=input.stem, seed=seed,
        )  # fmt: skip
        rows = []
        for number, result in enumerate(results):
            report("writing", 0.5 + 0.5 * number / samples)
            rows.append(space_output.written(result, mesh.with_stem(result.id) if folder else mesh, None, resolution))
    if folder:
        figures = space_output.tables(results, rows, [], mesh.parent)
    else:
        figures = {
            **space_output.row_figures(rows[0], results[0].expected), "failed": space_output.note_failed(rows),
            "files": [row["mesh"] for row in rows if row["mesh"]],
        }  # fmt: skip
    figures = {"input": str(input), **figures, "seconds": round(time.perf_counter() - begun, 2)}
    space_output.note_fits(
        rows, _remedy(search is not None, normalize == "space" and space.prepare.normalize != "shape")
    )
    output.show(figures, json, f"isofield evaluate {output.quoted(mesh)} TRUTH")
    return int(bool(figures["failed"]))


def _remedy(posed: bool, normalised: bool) -> str:
    """What may help a part that is far from its completion. posed: its pose was searched; normalised: it is in the
    normalised space, though the training shapes share units."""
    if posed:
        return "a smaller --max-rotation, or --center and --scale, may help"
    units = "" if not normalised else "--normalize shapes takes the units of the training shapes, "
    return f"--pose similarity searches for the frame of the part, {units}--center and --scale give it"


def _check_frame(center: str | None, scale: float | None, normalize: str) -> None:
    """Raises InputError where the frame of the input is given incompletely, or twice."""
    if (center is None) != (scale is None) or (scale is not None and not 0 < scale < float("inf")):
        raise InputError("--center and --scale belong together: give both, --scale greater than 0.")
    if center is not None and normalize != "auto":
        raise InputError("--center and --scale give the frame of the input: leave --normalize out.")


def _frame(space: ShapeSpace, center: str | None, scale: float | None, normalize: str) -> Similarity | None:
    """The similarity from the input's units to the frame of the space that the options give; None without them."""
    from isofield import api
    from isofield.types import IDENTITY, Similarity, triple

    if normalize != "auto":
        return IDENTITY if normalize == "space" else api.shared_frame(space)
    if center is None or scale is None:
        return None
    return Similarity(triple(api.read_position(center, "--center")), scale)


def _check_camera(input: Path, camera: Path | None, background: bool) -> None:
    """Raises InputError for a depth image without its camera, and for --background of anything else."""
    if background and camera is None:
        raise InputError("--background is for depth images: give --camera with it.")
    if camera is None and _is_depth(input):
        raise InputError(
            f"{input} is a picture, and a depth image needs its camera: give --camera FILE.json; with a space of "
            "pictures take `isofield infer`."
        )


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
