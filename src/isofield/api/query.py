"""Values of a field at many points, and files of them."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

import numpy as np

from isofield.api.sdf import SDF
from isofield.files import atomic_write, check_output, extension_of

FORMATS = ("csv", "npy", "npz", "ply")
"""The extensions that `write_query` writes."""


@dataclass(frozen=True)
class QueryResult:
    """Values at points (n, 3), in the user's units.

    distances: (n,), negative inside. normals: (n, 3) outward unit normals, or None. projections: (n, 3) of the points
    onto the surface, or None. confidence: (n,) of the field, 0 to 1, or None.
    """

    points: np.ndarray
    distances: np.ndarray
    normals: np.ndarray | None = None
    projections: np.ndarray | None = None
    confidence: np.ndarray | None = None


def query(
    sdf: SDF, points: np.ndarray, normals: bool = False, projections: bool = False, confidence: bool = False
) -> QueryResult:
    """Evaluate a field at points (n, 3). The values at points that are not finite are NaN."""
    points = np.asarray(points, np.float64)
    finite = np.isfinite(points).all(axis=1)
    x = points[finite]

    def everywhere(values: np.ndarray) -> np.ndarray:
        result = np.full((len(points), *values.shape[1:]), np.nan)
        result[finite] = values
        return result

    return QueryResult(
        points,
        everywhere(np.asarray(sdf(x))),
        everywhere(np.asarray(sdf.normals(x))) if normals else None,
        everywhere(np.asarray(sdf.project(x))) if projections else None,
        everywhere(sdf.confidence(x)) if confidence else None,
    )


def write_query(result: QueryResult, path: str | os.PathLike[str]) -> None:
    """Write the values of a field in the format of the path's extension.

    .csv, .npy: columns x y z distance [nx ny nz] [px py pz] [confidence]. .npz: arrays by name. .ply: points with
    the columns as properties. Raises InputError as `check_output`.
    """
    path = check_output(path, FORMATS)
    arrays = {"points": result.points, "distances": result.distances}
    columns = ["x", "y", "z", "distance"]
    if result.normals is not None:
        arrays["normals"] = result.normals
        columns += ["nx", "ny", "nz"]
    if result.projections is not None:
        arrays["projections"] = result.projections
        columns += ["px", "py", "pz"]
    if result.confidence is not None:
        arrays["confidence"] = result.confidence
        columns += ["confidence"]
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
