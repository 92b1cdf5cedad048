"""What a field says of many points, and the files that hold it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

import numpy as np

from isofield.api.sdf import SDF
from isofield.files import atomic_write
from isofield.io import check_output
from isofield.io.reading import extension_of

KNOWN = ("csv", "npy", "npz", "ply")
"""The extensions that `write_answers` writes."""


@dataclass(frozen=True)
class Answers:
    """At points (n, 3), in the user's units: distances (n,), negative inside; outward unit normals (n, 3) or None;
    projections (n, 3), the feet of the points on the surface, or None."""

    points: np.ndarray
    distances: np.ndarray
    normals: np.ndarray | None = None
    projections: np.ndarray | None = None


def query(sdf: SDF, points: np.ndarray, normals: bool = False, projections: bool = False) -> Answers:
    """Ask a field at points (n, 3). Where a point is not finite, neither is its answer."""
    points = np.asarray(points, np.float64)
    finite = np.isfinite(points).all(axis=1)
    known = points[finite]

    def everywhere(values: np.ndarray) -> np.ndarray:
        found = np.full((len(points), *values.shape[1:]), np.nan)
        found[finite] = values
        return found

    return Answers(
        points,
        everywhere(np.asarray(sdf(known))),
        everywhere(np.asarray(sdf.normals(known))) if normals else None,
        everywhere(sdf.project(known)) if projections else None,
    )


def write_answers(answers: Answers, path: str | os.PathLike[str]) -> None:
    """Write what a field said of points, by the path's extension.

    .csv, .npy: columns x y z distance [nx ny nz] [px py pz]. .npz: arrays by their names. .ply: the points with their
    distance as a property, and their normals. Raises InputError as `check_output` does.
    """
    path = check_output(path, KNOWN)
    arrays = {"points": answers.points, "distances": answers.distances}
    columns = ["x", "y", "z", "distance"]
    if answers.normals is not None:
        arrays["normals"] = answers.normals
        columns += ["nx", "ny", "nz"]
    if answers.projections is not None:
        arrays["projections"] = answers.projections
        columns += ["px", "py", "pz"]
    table = np.column_stack(list(arrays.values()))
    content = io.BytesIO()
    match extension_of(path):
        case "csv":
            np.savetxt(content, table, "%.9g", ",", header=",".join(columns), comments="")
        case "npy":
            np.save(content, table)
        case "npz":
            np.savez(content, **arrays)  # type: ignore[arg-type]
        case _:
            head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}"]
            head += [f"property double {name}" for name in columns]
            content.write("\n".join([*head, "end_header", ""]).encode() + table.astype("<f8").tobytes())
    with atomic_write(path) as beside:
        beside.write_bytes(content.getvalue())
