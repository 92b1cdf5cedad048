"""Export of a field to other programs: an ONNX network, a grid of samples, a mesh for printing."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np

from isofield.api.projection import Samples, grid
from isofield.api.sdf import SDF
from isofield.errors import InputError
from isofield.files import atomic_write, check_output, extension_of, write_text
from isofield.types import ProgressCallback

FORMATS = ("onnx", "npy", "npz", "vtk", "3mf")
"""The extensions that `export` writes."""


def export(
    sdf: SDF, path: str | os.PathLike[str], resolution: int | None = None, progress: ProgressCallback | None = None
) -> Path:
    """Write a field in the format of the path's extension, in the user's units; returns the path.

    .onnx: the network, points (n, 3) float32 to distances (n,), for batches of any size. .npy, .npz, .vtk: distances on
    a regular grid of `resolution` cells along the longest side (128 by default); origin and spacing are in the .npz, or
    in NAME.json beside the .npy; .vtk is a legacy image. .3mf: the mesh.

    Raises InputError where ONNX cannot represent the field, a grid is too large, or a package is missing.
    """
    path = check_output(path, FORMATS)
    match extension_of(path):
        case "onnx":
            from isofield.api.onnx_network import onnx_network  # loads torch

            content = onnx_network(sdf, path)
        case "3mf":
            content = _printable(sdf, resolution)
        case kind:
            samples, arrays = grid(sdf, resolution or 128, progress), io.BytesIO()
            if kind == "npy":
                np.save(arrays, samples.values)
                position = {"origin": samples.origin.tolist(), "spacing": samples.spacing, "unit": "the input's"}
                write_text(path.with_suffix(".json"), json.dumps(position) + "\n")
            elif kind == "npz":
                np.savez(arrays, values=samples.values, origin=samples.origin, spacing=np.float64(samples.spacing))
            content = _vtk(samples) if kind == "vtk" else arrays.getvalue()
    with atomic_write(path) as beside:
        beside.write_bytes(content)
    return path


def _printable(sdf: SDF, resolution: int | None) -> bytes:
    try:
        import lxml  # noqa: F401
        import networkx  # noqa: F401
    except ImportError as error:
        raise InputError(f"a .3mf needs the package {error.name}: pip install 'isofield[print]'.") from None
    import trimesh

    return bytes(trimesh.exchange.threemf.export_3MF(sdf.mesh(resolution)))


def _vtk(samples: Samples) -> bytes:
    """The legacy format: structured points, x the fastest, big-endian."""
    size = " ".join(map(str, samples.values.shape))
    head = [
        "# vtk DataFile Version 3.0", "signed distance, negative inside", "BINARY", "DATASET STRUCTURED_POINTS",
        f"DIMENSIONS {size}", f"ORIGIN {' '.join(f'{x:.9g}' for x in samples.origin)}",
        f"SPACING {' '.join([f'{samples.spacing:.9g}'] * 3)}", f"POINT_DATA {samples.values.size}",
        "SCALARS distance float 1", "LOOKUP_TABLE default", "",
    ]  # fmt: skip
    return "\n".join(head).encode() + samples.values.transpose(2, 1, 0).astype(">f4").tobytes() + b"\n"
