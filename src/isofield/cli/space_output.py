"""What commands on a space write: meshes, codes.npz, report.csv."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import trimesh

from isofield import api, io, render
from isofield.api import InferenceResult, PoseSearch, ShapeSamples, ShapeSpace
from isofield.api.latent_ops import shape_of
from isofield.cli import output
from isofield.cli.errors import say
from isofield.errors import InputError, join_names
from isofield.folder_format import CODES, REPORT, TIMING, write_codes
from isofield.render import Camera
from isofield.types import Cloud, ProgressCallback

FEW = 5
"""Most shapes that a message names."""
FOLDED = 20 * math.pi
"""The largest area of a surface, normalised: five times the unit sphere's. Networks that have learned little are 0 all
over the box, and their meshes are huge."""
ANIMATED, PICTURED = (400, 400), (300, 300)
"""Pixels of an animation of new shapes, and of each of them on a sheet."""
COLUMNS = 6
"""Most shapes in a row of a sheet."""
Row = dict[str, Any]
Read = TypeVar("Read")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Inference:
    """What `isofield infer` reads, how it infers, and where it writes; as the options of these names."""

    inputs: Sequence[Path]
    out: Path
    split: Path | None
    device: str
    by: str | None
    resolution: int | None


def readable(
    inputs: Sequence[tuple[str, Callable[[], Read]]], failed: list[Row], seconds: dict[str, float] | None = None
) -> Iterator[Read]:
    """The shapes or pictures that can be read; a row for each other one is added to `failed`, and the seconds that
    reading and sampling took to `seconds`, by name."""
    for name, read in inputs:
        begun = time.perf_counter()
        try:
            one = read()
        except InputError as error:
            failed.append({"id": name, "error": str(error)})
            continue
        finally:
            if seconds is not None:
                seconds[name] = time.perf_counter() - begun
        yield one


def collected(
    results: Iterable[Result], write: Callable[[Result], Row], failed: Sequence[Row], report: Callable[[int], None]
) -> tuple[list[Result], list[Row], bool]:
    """Writes every result as it comes. Returns the results, their rows, and whether Ctrl-C ended the run early, with
    what was finished.

    failed: the rows that `readable` adds. report: called with the number of inputs that are done. Raises InputError
    where none could be read, with what is wrong with the first.
    """
    done: list[Result] = []
    rows: list[Row] = []
    interrupted = False
    try:
        for result in results:
            rows.append(write(result))
            done.append(result)
            report(len(done) + len(failed))
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    if not done:
        raise InputError(failed[0]["error"])
    return done, rows[: len(done)], interrupted


def inferred(
    space: ShapeSpace, of: Inference, report: ProgressCallback, *, refine: bool, search: PoseSearch | None,
    fields: Path | None, copies: Path | None,
) -> Row:  # fmt: skip
    """Infers shapes, and writes ID.ply, codes.npz, report.csv and timing.csv into a folder: the figures of the run.

    fields, copies: folders for the fields and for copies of the inputs. Raises InputError where no input can be read.
    """
    named = api.observed_in(of.inputs, space.prepare, of.split, space.kinds, anywhere=search is not None)
    failed: list[Row] = []
    timing: list[Row] = []
    read: dict[str, float] = {}

    def write(result: InferenceResult) -> Row:
        begun = time.perf_counter()
        row = written(result, of.out / f"{result.id}.ply", fields and fields / result.id, of.resolution)
        if copies is not None:
            copy_input(result.observed, copies)
        seconds = {"read": read[result.id], "code": result.seconds, "mesh": time.perf_counter() - begun}
        timing.append({"id": result.id, **seconds})
        return row

    stage = f"{len(named)} shapes" if len(named) != 1 else "1 shape"
    report(stage, 0.0)
    found = api.infer_all(space, readable(named, failed, read), refine, search, of.device, of.by)
    results, rows, interrupted = collected(found, write, failed, lambda done: report(stage, done / len(named)))
    timing += [{"id": row["id"], "read": read[row["id"]], "code": "", "mesh": ""} for row in failed]
    output.write_table(timing, of.out / TIMING)
    figures = tables(results, rows, failed, of.out)
    return {**figures, "files": [*figures["files"], str(of.out / TIMING)], "interrupted": interrupted}


def copy_input(observed: ShapeSamples, folder: Path) -> None:
    """Writes what a code was inferred from into a folder: the pictures side by side (ID.png), or points of the surface
    in the shape's units (ID.ply)."""
    if "views" in observed.rows:
        render.save(np.concatenate([*observed.rows["views"].transpose(0, 2, 3, 1)], 1), folder / f"{observed.id}.png")
    else:
        io.write_cloud(Cloud(observed.similarity.invert(observed.surface)), folder / f"{observed.id}.ply")


def written(result: InferenceResult, mesh: Path, field: Path | None, resolution: int | None) -> Row:
    """Writes the mesh and, where it is given, the field folder of one shape: its row of the report."""
    seen, compared = len(result.observed.surface) > 0, result.loss is not None and result.expected is not None
    row: Row = {
        "id": result.id, "error": "", "loss": result.loss, "explained": result.explained if seen else None,
        "poor": result.poor if seen or compared else None,
        "nearest": result.nearest, "distance": result.distance, "neighbour_distance": result.neighbour_distance,
        "far": result.far, "watertight": False, "faces": 0, "dropped": 0, "mesh": "",
    }  # fmt: skip
    if result.seconds is not None:
        row["seconds"] = result.seconds
    if result.note is not None:
        row["note"] = result.note
    if result.pose is not None:
        matrix = result.pose.matrix[:3]
        row |= {"rotation": result.pose.angle, "scale": result.pose.scale}
        row |= {f"pose_{i}{j}": float(matrix[i, j]) for i in range(3) for j in range(4)}
    if field is not None:
        result.sdf.save(field)
    try:
        extraction = result.sdf.extract(resolution)
    except InputError:
        return {**row, "error": "the field of its code has no surface"}
    io.write_mesh(extraction.mesh, mesh)
    found = extraction.mesh
    if "note" in row and found.area * result.sdf.similarity.scale**2 > FOLDED:
        crowded = "its surface has more than five times the area of the unit sphere: the space is hardly trained"
        row["note"] = "; ".join(filter(None, [row["note"], crowded]))
    return row | {
        "watertight": bool(found.is_watertight), "faces": len(found.faces), "dropped": extraction.dropped,
        "mesh": str(mesh),
    }  # fmt: skip


def tables(results: Sequence[InferenceResult], rows: Sequence[Row], failed: Sequence[Row], out: Path) -> Row:
    """Writes codes.npz and report.csv into a folder: the figures of the run."""
    api.write_codes(results, out / CODES)
    output.write_table([*rows, *({**dict.fromkeys(rows[0], ""), **row} for row in failed)], out / REPORT)
    note_older(out, [Path(row["mesh"]) for row in rows if row["mesh"]])
    some = {"rotation": median(rows, "rotation")} if "rotation" in rows[0] else {}
    some |= {"code_seconds": statistics.fmean(row["seconds"] for row in rows)} if "seconds" in rows[0] else {}
    each = [*rows, *failed]
    note_doubts(rows)
    return {
        "shapes": len(rows), "loss": median(rows, "loss"), "expected": results[0].expected,
        "explained": median(rows, "explained"), "code_distance": median(rows, "distance"),
        "neighbour_distance": results[0].neighbour_distance, **some, "far": [r["id"] for r in rows if r["far"]],
        "poor": [row["id"] for row in rows if row["poor"]], "failed": note_failed(each), "each": each,
        "files": [str(out), str(out / CODES), str(out / REPORT)],
    }  # fmt: skip


def median(rows: Sequence[Row], name: str) -> float | None:
    """The median of a column; None where it has no numbers."""
    values = [row[name] for row in rows if row[name] is not None]
    return statistics.median(values) if values else None


def row_figures(row: Row, expected: float | None) -> Row:
    """A row of the report as the figures of a run that wrote one mesh and no report."""
    return {"code_distance" if key == "distance" else key: value for key, value in row.items() if key != "mesh"} | {
        "expected": expected
    }


def note_failed(rows: Sequence[Row], what: str = "mesh") -> list[str]:
    """Says what is wrong with the first rows that have an error: the ids of all. what: the missing result."""
    failed = [row for row in rows if row["error"]]
    for row in failed[:FEW]:
        say(f"{row['id']}: {row['error'].rstrip('.')}.")
    if len(failed) > FEW:
        say(f"{len(failed) - FEW} more shapes have no {what}: {REPORT} says why.")
    return [row["id"] for row in failed]


def note_doubts(rows: Sequence[Row]) -> None:
    """Says which codes are doubtful, how many, and why."""
    for note in dict.fromkeys(row["note"] for row in rows if row.get("note")):
        names = [row["id"] for row in rows if row["note"] == note]
        say(f"{join_names(names, FEW)} ({len(names)} of {len(rows)}): {note}.")


def note_fits(rows: Sequence[Row], remedy: str) -> None:
    """Reports the shapes that the space may not represent, and what may help."""
    if names := [row["id"] for row in rows if row["far"]]:
        say(
            f"{join_names(names, FEW)}: much farther from the training shapes than these are from each other, so that "
            f"the space may not represent such shapes; {remedy}."
        )
    if names := [row["id"] for row in rows if row["poor"]]:
        say(
            f"{join_names(names, FEW)}: the field misses a part of the input, or its loss is far above those of the "
            f"training shapes; {remedy}."
        )


def note_older(out: Path, meshes: Sequence[Path]) -> None:
    """Says that a folder holds meshes of an earlier run, which are not in the new codes.npz."""
    older = sorted(str(path.relative_to(out)) for path in {*out.rglob("*.ply")} - {*meshes})
    if older:
        say(f"{out} still holds older meshes, which are not in {CODES}: {join_names(older, FEW)}.")


def new_shapes(
    space: ShapeSpace, codes: np.ndarray, out: Path, resolution: int | None, report: ProgressCallback
) -> tuple[list[trimesh.Trimesh | None], Row]:
    """Writes meshes 000.ply, 001.ply ... of codes (n, l), codes.npz (ids, codes) and report.csv into a folder.

    Returns the meshes, None for a code without a surface, and the figures of the run.
    """
    meshes: list[trimesh.Trimesh | None] = []
    rows: list[Row] = []
    for number, code in enumerate(codes):
        report("meshes", number / len(codes))
        nearest, distance = space.nearest(code, 1)[0]
        row: Row = {"id": f"{number:03d}", "error": "", "nearest": nearest, "distance": distance}
        try:
            mesh = shape_of(space, code, resolution)
        except InputError:
            meshes.append(None)
            rows.append({**row, "error": "the field of its code has no surface", "watertight": False, "faces": 0})
            continue
        io.write_mesh(mesh, out / f"{row['id']}.ply")
        meshes.append(mesh)
        rows.append({**row, "watertight": bool(mesh.is_watertight), "faces": len(mesh.faces)})
    write_new_codes(rows, codes, out)
    note_older(out, [out / f"{row['id']}.ply" for row in rows if not row["error"]])
    figures = {
        "shapes": len(rows), "watertight": all(row["watertight"] for row in rows), "failed": note_failed(rows),
        "each": rows, "files": [str(out), str(out / CODES), str(out / REPORT)],
    }  # fmt: skip
    return meshes, figures


def animated_shapes(
    space: ShapeSpace, codes: np.ndarray, path: Path, resolution: int | None, up: str, report: ProgressCallback
) -> Row:
    """`new_shapes` in the folder of a path, and there an animation of them: the figures of the run."""
    made, figures = new_shapes(space, codes, path.parent, resolution, report)
    if meshes := [mesh for mesh in made if mesh is not None]:
        report("animation", 0.0)
        render.animate(meshes, path, view=view_of(meshes, ANIMATED, up), up=up)
        figures["files"] += [str(path)]
    return figures


def pictured_shapes(
    space: ShapeSpace, codes: np.ndarray, path: Path, resolution: int | None, up: str, report: ProgressCallback
) -> Row:
    """`new_shapes` in the folder of a path, and there a picture of all: the figures of the run."""
    made, figures = new_shapes(space, codes, path.parent, resolution, report)
    shown = [(mesh, row) for mesh, row in zip(made, figures["each"], strict=True) if mesh is not None]
    if shown:
        report("picture", 0.0)
        panels = [render.Panel(mesh, row["id"], f"nearest: {row['nearest']}") for mesh, row in shown]
        columns = math.ceil(len(panels) / math.ceil(len(panels) / COLUMNS))
        view = view_of([mesh for mesh, _ in shown], PICTURED, up)
        render.sheet(panels, path, view=view, columns=columns, up=up)
        figures["files"] += [str(path)]
    return figures


def view_of(meshes: Sequence[trimesh.Trimesh], size: tuple[int, int], up: str) -> Camera:
    """One camera for all meshes, whose pictures have this size in pixels."""
    vertices, faces = trimesh.util.append_faces([m.vertices for m in meshes], [m.faces for m in meshes])
    return render.camera_for(trimesh.Trimesh(vertices, faces), size=size, up=up)


def write_new_codes(rows: Sequence[Row], codes: np.ndarray, out: Path) -> None:
    """Writes codes.npz (ids, codes) and report.csv of new shapes."""
    write_codes(out / CODES, [row["id"] for row in rows], codes)
    output.write_table(rows, out / REPORT)
