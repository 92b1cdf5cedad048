"""Writing meshes and clouds: equal shapes give equal bytes, and a file is written whole or not at all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from isofield.errors import InputError, with_article
from isofield.files import atomic_write, check_output, extension_of, printable
from isofield.points import vertex_colors, vertex_scalars
from isofield.types import Cloud

if TYPE_CHECKING:
    import trimesh

ROUNDED = 1e-6
"""Coordinates take 64 bits, if the format has them, where 32 would move a vertex by more than this fraction of the
diagonal."""


def write_mesh(mesh: trimesh.Trimesh, path: str | os.PathLike[str]) -> None:
    """Writes a mesh as .ply (binary), .obj, .stl (binary), .off or .glb, by the extension of the path.

    Vertex colours are stored in .ply, .obj and .glb, scalar attributes of vertices in .ply. Coordinates take 32 bits,
    or 64 where those would move or merge vertices (.ply, .obj, .off; a .glb is centred and translated by its node; .stl
    has only 32, with a warning). Raises `InputError` as `check_output` does, and for a mesh without faces.
    """
    path = check_output(path)
    if not hasattr(mesh, "faces"):
        raise InputError(
            f"{printable(path)} was not written: {with_article(type(mesh).__name__)} has no faces; give a Trimesh."
        )
    if not len(mesh.faces):
        raise InputError(
            f"{printable(path)} was not written because the mesh has no faces: give a mesh with a surface."
        )
    vertices = np.asarray(mesh.vertices, np.float64)
    faces = np.asarray(mesh.faces, np.int64)
    colors = vertex_colors(mesh)
    writers = {"obj": _obj, "stl": _stl, "off": _off, "glb": _glb}
    if extension_of(path) == "ply":
        content = _ply(vertices, faces, colors, more=vertex_scalars(mesh))
    else:
        content = writers[extension_of(path)](vertices, faces, colors)
    with atomic_write(path) as beside:
        beside.write_bytes(content)


def write_cloud(cloud: Cloud, path: str | os.PathLike[str]) -> None:
    """Writes a cloud as .ply (binary) or .xyz, with its normals and, in .ply, its colours and attributes.

    Raises `InputError` as `check_output` does.
    """
    path = check_output(path, ("ply", "xyz"))
    points = np.asarray(cloud.points, np.float64)
    if extension_of(path) == "xyz":
        table = points if cloud.normals is None else np.concatenate([points, cloud.normals], axis=1)
        content = _rows("%.17g" if _double(points) else "%.9g", table)
    else:
        content = _ply(points, None, cloud.colors, cloud.normals, cloud.attributes)
    with atomic_write(path) as beside:
        beside.write_bytes(content)


def _double(vertices: np.ndarray, faces: np.ndarray | None = None) -> bool:
    """Whether 32 bits are too few: vertices would move, or two corners of a face would coincide."""
    finite = vertices[np.isfinite(vertices).all(axis=1)]
    if not len(finite):
        return False
    with np.errstate(over="ignore", under="ignore"):
        single = vertices.astype(np.float32)
        away = np.abs(finite.astype(np.float32).astype(np.float64) - finite).max()
    diagonal = float(np.linalg.norm(finite.max(axis=0) / 2 - finite.min(axis=0) / 2) * 2)
    if not away <= ROUNDED * diagonal:
        return True
    if faces is None:
        return False
    for a, b in ((0, 1), (1, 2), (2, 0)):
        one, two = faces[:, a], faces[:, b]
        meet = (single[one] == single[two]).all(axis=1)
        if (meet & (vertices[one] != vertices[two]).any(axis=1)).any():
            return True
    return False


def _ply(
    vertices: np.ndarray,
    faces: np.ndarray | None,
    colors: np.ndarray | None,
    normals: np.ndarray | None = None,
    more: Mapping[str, np.ndarray] | None = None,
) -> bytes:
    kind, word = ("<f8", "double") if _double(vertices, faces) else ("<f4", "float")
    fields = [(name, kind) for name in "xyz"]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    lines += [f"property {word} {name}" for name in "xyz"]
    if normals is not None:
        fields += [(name, "<f4") for name in ("nx", "ny", "nz")]
        lines += [f"property float {name}" for name in ("nx", "ny", "nz")]
    if colors is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
        lines += [f"property uchar {name}" for name in ("red", "green", "blue", "alpha")]
    extra = {} if more is None else more
    fields += [(name, "<f4") for name in extra]
    lines += [f"property float {name}" for name in extra]
    columns = [vertices] + [part for part in (normals, colors) if part is not None]
    columns += [values[:, None] for values in extra.values()]
    table = np.zeros(len(vertices), np.dtype(fields))
    for (name, _), column in zip(fields, (c for part in columns for c in part.T), strict=True):
        table[name] = column
    body = table.tobytes()
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        triangles = np.empty(len(faces), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
        triangles["count"], triangles["corners"] = 3, faces
        body += triangles.tobytes()
    return "\n".join([*lines, "end_header", ""]).encode() + body


def _rows(numbers: str, table: np.ndarray, before: str = "") -> bytes:
    """A table as lines of text, with this format for numbers; `before` begins each line."""
    line = before + " ".join([numbers] * table.shape[1]) + "\n"
    parts = [table[start : start + 100_000] for start in range(0, len(table), 100_000)]
    return b"".join(((line * len(part)) % tuple(part.reshape(-1).tolist())).encode() for part in parts)


def _obj(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> bytes:
    number = "%.17g" if _double(vertices, faces) else "%.9g"
    table = vertices if colors is None else np.concatenate([vertices, np.round(colors[:, :3] / 255, 6)], axis=1)
    return _rows(number, table, "v ") + _rows("%d", faces + 1, "f ")


def _off(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> bytes:
    number = "%.17g" if _double(vertices, faces) else "%.9g"
    return b"OFF\n%d %d 0\n" % (len(vertices), len(faces)) + _rows(number, vertices) + _rows("%d", faces, "3 ")


def _stl(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> bytes:
    import trimesh

    if _double(vertices, faces):
        warnings.warn(
            "STL has 32 bits per number, too few for this mesh so far from the origin: its vertices are rounded, and a "
            "closed mesh may open; write .ply instead",
            stacklevel=3,
        )
    return trimesh.exchange.stl.export_stl(trimesh.Trimesh(vertices, faces, process=False))


def _glb(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> bytes:
    import trimesh

    origin = np.zeros(3)
    if _double(vertices, faces):
        origin = vertices.min(axis=0) / 2 + vertices.max(axis=0) / 2
    scene = trimesh.Scene()
    transform = np.eye(4)
    transform[:3, 3] = origin
    mesh = trimesh.Trimesh(vertices - origin, faces, process=False, vertex_colors=colors)
    scene.add_geometry(mesh, node_name="mesh", geom_name="mesh", transform=transform)
    return trimesh.exchange.gltf.export_glb(scene, include_normals=False)
