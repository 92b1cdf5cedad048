"""Reading meshes and clouds: a shape, or one sentence about what is wrong with the file."""

from __future__ import annotations

import difflib
import hashlib
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from isofield.errors import InputError, with_article
from isofield.files import extension_of, printable
from isofield.io.formats import binvox, gltf, lidar, numpy_files, obj, off, pcd, ply, scene, sniff, stl, text
from isofield.io.formats.raw import Damage, Raw, bytes_of_colors, check_expansion
from isofield.topology import distinct
from isofield.types import Cloud

OWN = {
    "ply": ply.parse, "obj": obj.parse, "off": off.parse, "stl": stl.parse, "xyz": text.parse, "pts": text.parse,
    "txt": text.parse, "csv": text.parse, "asc": text.parse, "tsv": text.parse, "pwn": text.parse,
    "xyzn": text.parse, "xyzrgb": text.parse, "xyzi": text.parse,
    "pcd": pcd.parse, "npy": numpy_files.parse_npy, "npz": numpy_files.parse_npz,
    "binvox": binvox.parse,
}  # fmt: skip
"""The parsers of formats, by extension."""
GLTF = ("glb", "gltf")
ARCHIVES = ("zip", "tar.gz", "tar.bz2", "bz2", "3mf", "zae", "3dxml")
"""Formats that are archives of any content."""
TEXT = ("obj", "off", *(extension for extension, parse in OWN.items() if parse is text.parse))
"""Formats that are text only."""
UNREAD = dict.fromkeys(
    ("3ds", "amf", "blend", "fbx", "lwo", "mesh", "msh", "usd", "usda", "usdc", "usdz", "vtk", "vtp", "vtu",
     "wrl", "x3d"),
    "of a format that isofield does not read: convert it to .ply, .stl or .glb",
) | dict.fromkeys(
    ("brep", "iges", "igs"), "of CAD surfaces, not of triangles: export a mesh of them, as .stl",
)  # fmt: skip
"""What files of other formats are, and the remedy, by extension."""
METADATA = "isofield"
"""Key in the metadata of a mesh for the numbers of `merged` and `unused` vertices of the file."""


def readable_extensions() -> list[str]:
    """The extensions that `read` supports with the installed packages, with their dots."""
    others = scene.extensions() - OWN.keys() - set(GLTF)
    return [f".{name}" for name in [*OWN, *GLTF, *lidar.NEEDS, *sorted(others)]]


def read(path: str | os.PathLike[str]) -> trimesh.Trimesh | Cloud:
    """Reads a mesh or a cloud, in the units and axes of the file.

    Scenes are merged by their transforms, polygons become triangles. Identical vertices of a mesh are merged and unused
    ones left out (`mesh.metadata["isofield"]` counts them); a mesh without faces is a cloud. Normals of a cloud have
    unit length, colours are (n, 4) uint8, and other scalars of .ply, .las and .laz files are attributes by name
    (`vertex_attributes` of a mesh). Non-finite points stay, for `check_points`. No code in the file is run.

    Raises `InputError` for everything that cannot be read. Warns (`UserWarning`) of what was left out.
    """
    return read_hashed(path)[0]


def read_hashed(path: str | os.PathLike[str]) -> tuple[trimesh.Trimesh | Cloud, str]:
    """What `read` gives, and the SHA-256 of the file that it was read from."""
    path = Path(path)
    name = printable(path)
    data, extension = _content(path, name)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            raw = _parse(path, data, extension)
            shape = _shape(raw)
    except Damage as damage:
        raise InputError(f"{name} {damage.what}: {damage.remedy}.") from None
    except MemoryError:
        raise InputError(f"{name} is too large for this machine's memory: downsample it first.") from None
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, OSError, RecursionError) as problem:
        reason = " ".join(str(problem).split())[:120]
        raise InputError(f"{name} cannot be read as .{extension} ({reason}): copy or export it again.") from None
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            warnings.warn(f"{name}: {warning.message}", stacklevel=3)
    return shape, hashlib.sha256(data).hexdigest()


def _content(path: Path, name: str) -> tuple[bytes, str]:
    """The bytes of a file and its extension, after the checks that do not depend on its format."""
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder, not a file: name a file in it.")
        if path.is_symlink() and not path.exists():
            raise InputError(f"{name} is a link to a file that does not exist: fix or remove it.")
        if not path.exists():
            raise InputError(f"there is no file {name}: {_near(path)}.")
        if not path.is_file():
            raise InputError(f"{name} is not a regular file: save its content into one first.")
        extension = extension_of(path)
        if (
            extension not in OWN
            and extension not in GLTF
            and extension not in lidar.NEEDS | scene.NEEDS | dict.fromkeys(scene.extensions())
        ):
            raise InputError(_unknown(name, extension, path.read_bytes()[: 1 << 20]))
        data = path.read_bytes()
    except InputError:
        raise
    except (OSError, ValueError) as problem:  # no permission, a name that is too long, a disk that fails
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise InputError(f"{name} cannot be opened ({reason}): check its name and permissions.") from None
    except MemoryError:
        raise InputError(f"{name} is too large for this machine's memory: downsample it first.") from None
    if not data:
        raise InputError(f"{name} is empty (0 bytes): copy or export it again.")
    return data, extension


def _near(path: Path) -> str:
    """The remedy for a missing file: another one with a similar name, if there is one."""
    try:
        names = [entry.name for entry in os.scandir(path.parent)] if path.parent.is_dir() else []
    except OSError:
        names = []
    close = difflib.get_close_matches(path.name, names, 1, 0.75)
    return f"perhaps you meant {printable(path.parent / close[0])}" if close else "check the spelling"


def _unknown(name: str, extension: str, data: bytes) -> str:
    """The message about an unknown extension."""
    what = f"the extension .{extension} is unknown" if extension else "it has no extension"
    look = sniff.shape(data) or ("xyz" if sniff.rows(data) else None)
    other = sniff.other(data)
    if look:
        return f"{name} cannot be read because {what}, but it looks like {article(look)} file: rename it to .{look}."
    if extension in UNREAD:
        return f"{name} cannot be read because it is {UNREAD[extension]}."
    if other:
        return f"{name} cannot be read because it is {other[0]}: {other[1]}."
    return f"{name} cannot be read because {what}: use one of {' '.join(readable_extensions())}."


def article(extension: str) -> str:
    """An extension with its article: 'a PLY', 'an OBJ'."""
    upper = extension.upper()
    return f"{'an' if upper[0] in 'AEFHILMNORSX' else 'a'} {upper}"


def _parse(path: Path, data: bytes, extension: str) -> Raw:
    """Parses bytes by the extension, unless they look like another format."""
    look = sniff.shape(data)
    archive = extension in ARCHIVES
    if look and look != extension and not archive and {look, extension} != set(GLTF) and not _alike(look, extension):
        raise Damage(f"is named .{extension} but looks like {article(look)} file", f"rename it to .{look}")
    check_expansion(data)
    other = sniff.other(data)
    unzipped = extension == "npz" and data.startswith(b"PK")  # its parser reports the error
    if other and not look and not archive and not unzipped and not _binary_stl(extension, data):
        raise Damage(f"is {other[0]}, not {article(extension)} file", other[1])
    if extension in OWN:
        if extension in ("ply", "npy") and look != extension:
            what = f"is not {article(extension)} file (it does not begin like one)"
            raise Damage(what, "rename it to match its real format, or export it again")
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16
        if extension in TEXT and b"\0" in data[:4096] and not wide:
            raise Damage(f"is not {article(extension)} file but binary data", "give it the extension of its format")
        return OWN[extension](data)
    if extension in lidar.NEEDS:
        return lidar.read(path, extension)
    return gltf.read(path, data) if extension in GLTF else scene.read(path, extension)


def _alike(look: str, extension: str) -> bool:
    """Whether a file that looks like one format may be of another: text formats look alike, and so may binary STL."""
    if {look, extension} == {"las", "laz"}:
        return True
    return look == "obj" and extension not in ("ply", "stl", "off", "npy", "npz", "pcd", "xyz", "pts", *GLTF)


def _binary_stl(extension: str, data: bytes) -> bool:
    """Whether bytes may be binary STL, whose first 80 bytes are arbitrary."""
    return (
        extension == "stl"
        and len(data) >= stl.HEAD
        and not data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK"))
    )


def _shape(raw: Raw) -> trimesh.Trimesh | Cloud:
    """The parsed content as a mesh or a cloud. Raises `Damage` for an empty one."""
    if not len(raw.points):
        raise Damage("holds no points (zero vertices)", "export it again")
    colors = None if raw.colors is None else bytes_of_colors(raw.colors)
    more = {name: np.asarray(values, np.float32) for name, values in raw.attributes.items()}
    if raw.faces is None or not len(raw.faces):
        points = np.ascontiguousarray(raw.points, np.float64)
        return Cloud(points, unit_normals(raw.normals), colors, more, raw.sensors, raw.pixels)
    first, inverse = distinct(raw.points)
    faces = inverse[raw.faces]
    used = np.zeros(len(first), bool)
    used[faces] = True
    left = np.zeros(len(raw.points), bool)
    left[raw.faces] = True
    unused = int(np.count_nonzero(~left))
    if unused > 0.1 * len(raw.points):
        warnings.warn(f"{unused} of {len(raw.points)} vertices belong to no face and are left out", stacklevel=2)
    faces = (np.cumsum(used) - 1)[faces]
    first = first[used]
    mesh = trimesh.Trimesh(
        raw.points[first], faces, process=False, vertex_colors=None if colors is None else colors[first]
    )
    mesh.vertex_attributes.update({name: values[first] for name, values in more.items()})
    mesh.metadata[METADATA] = {"merged": int(np.count_nonzero(left)) - len(first), "unused": unused}
    return mesh


def vertices_of(shape: trimesh.Trimesh | Cloud) -> np.ndarray:
    """The points (n, 3) of a cloud, or the vertices of a mesh."""
    return np.asarray(shape.points if isinstance(shape, Cloud) else shape.vertices, np.float64)


def unit_normals(normals: np.ndarray | None) -> np.ndarray | None:
    """Normals (n, 3) of unit length; None, with a warning, if some are zero or not finite."""
    if normals is None:
        return None
    size = np.abs(normals).max(axis=1, keepdims=True)
    good = np.isfinite(size) & (size > 0)
    if not good.all():
        warnings.warn(
            f"{np.count_nonzero(~good)} of {len(normals)} normals are zero or not finite, so all are found from the "
            "points",
            stacklevel=2,
        )
        return None
    normals = normals / size
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def shape_of(source: Any) -> tuple[str, Cloud | trimesh.Trimesh]:
    """The name and the mesh or cloud of a file, a mesh, a scene, a cloud, points (n, 3), or points and normals (n, 6).

    Normals get unit length; where some are zero or not finite, all are left out with a warning. Raises InputError for
    anything else, for an array of another shape or of anything but real numbers, and as `read` does for a file. The
    shape itself is not checked.
    """
    if isinstance(source, (str, os.PathLike)):
        return str(source), read(source)
    if isinstance(source, trimesh.Trimesh):
        return "Trimesh", source
    if isinstance(source, Cloud):
        usable = source.normals is None or np.shape(source.normals) == np.shape(source.points)
        return "Cloud", replace(source, normals=unit_normals(source.normals)) if usable else source
    if isinstance(source, trimesh.Scene):
        return "Scene", source.to_mesh()
    if isinstance(source, trimesh.PointCloud):
        return "PointCloud", Cloud(np.asarray(source.vertices, np.float64))
    if not isinstance(source, (np.ndarray, list, tuple)) and not hasattr(source, "__array__"):
        what = "None" if source is None else with_article(type(source).__name__)
        raise InputError(f"{what} is not a shape: give a file, a Trimesh, a Cloud or an array.")
    table = table_of(source)
    if table.ndim != 2 or table.shape[1] not in (3, 6):
        raise InputError(f"the array has the shape {table.shape}: give points (n, 3), or points and normals (n, 6).")
    return "array", Cloud(table[:, :3], unit_normals(table[:, 3:]) if table.shape[1] == 6 else None)


def table_of(source: Any) -> np.ndarray:
    """An array of float64. Raises InputError for rows of several lengths, and for anything but real numbers."""
    if hasattr(source, "detach"):  # a tensor, which may require a gradient or lie on another device
        source = source.detach().cpu()
    try:
        table = np.asarray(source)
    except ValueError:
        raise InputError("the rows of the array have several lengths: give points (n, 3).") from None
    if table.dtype.kind not in "iuf":
        raise InputError(f"the array has values of type {table.dtype}: give real numbers.")
    return table.astype(np.float64)
