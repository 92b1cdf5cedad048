"""What commands on a space write: a mesh for each shape, their codes and a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import trimesh

    from isofield.api import InferenceResult, PoseSearch, ShapeSpace
    from isofield.types import ProgressCallback

NAMES = ("codes.npz", "report.csv")
FEW = 5
"""So many shapes are named at most."""


def written(found: InferenceResult, mesh: Path, field: Path | None, resolution: int | None) -> dict[str, Any]:
    """Writes the mesh and, if asked, the field folder of one shape: its row of the table."""
    from isofield import io

    extraction = found.sdf.extract(resolution)
    io.write_mesh(extraction.mesh, mesh)
    if field is not None:
        found.sdf.save(field)
    row = {
        "id": found.id, "loss": found.loss, "nearest": found.nearest, "distance": found.distance, "usual": found.usual,
        "far": found.far, "watertight": bool(extraction.mesh.is_watertight), "faces": len(extraction.mesh.faces),
        "dropped": extraction.dropped, "mesh": str(mesh),
    }  # fmt: skip
    if found.pose is None:
        return row
    matrix = found.pose.matrix[:3]
    named = {f"pose_{i}{j}": float(matrix[i, j]) for i in range(3) for j in range(4)}
    return {**row, "turned": found.pose.angle, "scaled": found.pose.scale, **named}


def tables(results: Sequence[InferenceResult], rows: Sequence[dict[str, Any]], out: Path) -> dict[str, Any]:
    """Writes codes.npz and report.csv into a folder: the figures of the run."""
    from isofield import api
    from isofield.cli import output

    files = [out / name for name in NAMES]
    api.write_codes(results, files[0])
    output.write_table(rows, files[1])
    tell_older(out, [Path(row["mesh"]) for row in rows])
    turned = {"turned": median(rows, "turned")} if "turned" in rows[0] else {}
    return {
        "shapes": len(rows), "loss": median(rows, "loss"), "code_distance": median(rows, "distance"),
        "code_usual": results[0].usual, **turned, "far": [row["id"] for row in rows if row["far"]], "each": list(rows),
        "files": [str(out), *map(str, files)],
    }  # fmt: skip


def tell_far(rows: Sequence[dict[str, Any]], way_out: str) -> None:
    """Says which shapes are far from all that a space has learned, and what may help."""
    from isofield.cli import output
    from isofield.errors import join_names

    names = [row["id"] for row in rows if row["far"]]
    if names:
        output.note(
            f"{join_names(names, FEW)}: much farther from the training shapes than these are from each other, so that the "
            f"space may not hold such shapes; {way_out}."
        )


def tell_older(out: Path, meshes: Sequence[Path]) -> None:
    """Says that a folder holds meshes that its codes.npz, which was replaced, does not know."""
    from isofield.cli import output
    from isofield.errors import join_names

    older = sorted(str(path.relative_to(out)) for path in {*out.rglob("*.ply")} - {*meshes})
    if older:
        output.note(f"{out} still holds older meshes, which {NAMES[0]} does not know: {join_names(older, FEW)}.")


def new_shapes(
    space: ShapeSpace, codes: np.ndarray, out: Path, resolution: int | None, report: ProgressCallback
) -> tuple[list[trimesh.Trimesh], list[str]]:
    """Writes meshes 000.ply, 001.ply ... of codes (n, l), and codes.npz (ids, codes), into a folder: the meshes, and
    what a run says it wrote."""
    import numpy as np

    from isofield import io
    from isofield.api.latent_ops import shape_of
    from isofield.files import atomic_write

    meshes, ids = [], [f"{number:03d}" for number in range(len(codes))]
    for number, code in enumerate(codes):
        report("meshes", number / len(codes))
        meshes.append(shape_of(space, code, resolution))
        io.write_mesh(meshes[-1], out / f"{ids[number]}.ply")
    report("pictures", 0.0)
    with atomic_write(out / NAMES[0]) as beside:
        np.savez(beside, ids=np.array(ids), codes=codes)
    tell_older(out, [out / f"{name}.ply" for name in ids])
    return meshes, [str(out), str(out / NAMES[0])]


def row_figures(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table as the figures of a run that wrote one mesh and no table."""
    named = {"distance": "code_distance", "usual": "code_usual"}
    return {named.get(key, key): value for key, value in row.items() if key != "mesh"}


def median(rows: Sequence[dict[str, Any]], name: str) -> float:
    """Of a column."""
    return statistics.median(row[name] for row in rows)


def posing_of(pose: str | None, turned: float) -> PoseSearch | None:
    """What --pose and --turned say. Raises InputError for an angle that is none."""
    from isofield.errors import InputError

    if not 0 <= turned <= 180:
        raise InputError(f"--turned {turned:g} is out of range: give 0 to 180 degrees.")
    if pose is None:
        return None
    from isofield.api import PoseSearch

    return PoseSearch(pose == "similarity", turned)
