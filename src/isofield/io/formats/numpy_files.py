"""NumPy files: .npy of points, .npz of points with normals, colours or faces. Nothing is unpickled."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from isofield.io.formats.raw import CUT, Damage, Raw, columns, indices, is_normals, triangulate

POINTS = ("points", "pos", "xyz", "vertices", "positions", "verts", "pointcloud", "pc", "v")
NORMALS = ("normals", "normal", "vertex_normals", "n")
COLORS = ("colors", "colours", "color", "rgb", "vertex_colors")
FACES = ("faces", "triangles", "face", "tris", "f")


def parse_npy(data: bytes) -> Raw:
    """Parses a .npy file of (n, 3) points, or (n, 6) points and normals. Raises `Damage`."""
    return _points(_array(data, ""))


def parse_array(data: bytes) -> np.ndarray:
    """The array of a .npy file, of any shape. Raises `Damage`."""
    return _array(data, "")


def parse_npz(data: bytes) -> Raw:
    """Parses a .npz file. Raises `Damage`.

    Keys: points (or pos, xyz, vertices), normals, colors, faces; others, such as loc and scale in the
    pointcloud.npz of Occupancy Networks, are ignored. The only array of a file may have any name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist() if i.filename.endswith(".npy")}
            keys = {name.lower(): name for name in members}
            if _space_samples(keys):
                raise Damage(
                    "holds signed samples of space, not points of a surface",
                    "give the shape itself (Occupancy Networks has pointcloud.npz beside it)",
                )

            def get(*names: str) -> np.ndarray | None:
                for name in names:
                    if name in keys:
                        info = members[keys[name]]
                        with archive.open(info) as stream:
                            return _array(stream.read(), f" in its array '{keys[name]}'")
                return None

            points = get(*POINTS)
            if points is None and len(members) == 1:
                points = get(*keys)
            if points is None:
                raise Damage(
                    f"has no array called 'points' (it has: {', '.join(members)[:200] or 'none'})",
                    "save the points under that name",
                )
            normals, colors, faces = get(*NORMALS), get(*COLORS), get(*FACES)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Damage("is cut short or no .npz archive") from None
    raw = _points(points)
    n = len(raw.points)
    normals = _beside(normals, n, "normals", (3,)) if normals is not None else raw.normals
    colors = _beside(colors, n, "colors", (3, 4)) if colors is not None else raw.colors
    triangles = None
    if faces is not None and faces.size:
        if faces.ndim != 2 or faces.shape[1] not in (3, 4) or faces.dtype.kind not in "iuf":
            raise Damage(f"has faces of shape {faces.shape}, and (m, 3) is needed", "save three vertex numbers a face")
        corners = indices(np.asarray(faces, np.float64)).reshape(-1)
        triangles = triangulate(np.full(len(faces), faces.shape[1]), corners, n)
    return Raw(raw.points, triangles, normals, colors)


def may_be_points(path: Path, fewest: int) -> bool:
    """Whether a .npy or .npz file may hold at least `fewest` points of a surface, by its headers: not one with an
    array of another shape or with samples of space. A damaged file may."""
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                return _pointlike(_header(stream, "")[0], fewest)
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy").lower(): name for name in archive.namelist() if name.endswith(".npy")}
            found = next((names[name] for name in POINTS if name in names), None)
            if found is None and len(names) == 1:
                (found,) = names.values()
            if found is None or _space_samples(names):
                return False
            with archive.open(found) as stream:
                return _pointlike(_header(stream, "")[0], fewest)  # type: ignore[arg-type]
    except (Damage, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return True


def _pointlike(shape: tuple[int, ...], fewest: int) -> bool:
    """Whether an array of this shape may hold points in rows, with or without normals and colours."""
    return len(shape) == 2 and shape[0] >= fewest and shape[1] in (3, 6, 9)


def _space_samples(names: Collection[str]) -> bool:
    """Whether arrays with these names are samples of space, as in files of Occupancy Networks and DeepSDF."""
    return "occupancies" in names or {"pos", "neg"} <= {*names}


def _header(stream: BinaryIO, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the order is Fortran's, and type of the array in a .npy stream. Raises `Damage`."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(stream)
    except (ValueError, EOFError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise Damage(f"is cut short, or not an array of NumPy{where}", "save it again with numpy.save") from None


def _array(data: bytes, where: str) -> np.ndarray:
    """The array of a .npy file; its header is checked against the file size before anything is allocated."""
    stream = io.BytesIO(data)
    shape, fortran, dtype = _header(stream, where)
    if dtype.kind not in "fiu":
        raise Damage(
            f"holds {'Python objects' if dtype.hasobject else dtype.name} instead of numbers{where}",
            "save an array of floats",
        )
    count = 1
    for length in shape:
        count *= length
    body = memoryview(data)[stream.tell() :]
    if count * dtype.itemsize > len(body):
        raise Damage(
            f"is cut short: its header promises {count} numbers, and {len(body) // dtype.itemsize} follow{where}", CUT
        )
    array = np.frombuffer(body, dtype, count)
    return array.reshape(shape, order="F" if fortran else "C")


def _points(array: np.ndarray) -> Raw:
    """Points (n, 3), or (n, 6) with normals, or with colours if they are neither negative nor of unit length."""
    if array.ndim != 2 or array.shape[1] not in (3, 4, 6, 7, 9):
        if array.ndim == 2 and min(array.shape) > 9:
            raise Damage(
                f"has an array of shape {array.shape}, not points in rows",
                "save points as (n, 3) or (n, 6); a depth image goes with its camera (isofield fit --camera FILE.json)",
            )
        hint = ", transpose it" if array.ndim == 2 and array.shape[0] in (3, 6) else ""
        raise Damage(
            f"has an array of shape {array.shape}, and (n, 3) or (n, 6) is needed",
            f"save points in rows of x y z{hint}",
        )
    table = np.asarray(array, np.float64)
    if table.shape[1] == 4:
        warnings.warn("the fourth column is left out", stacklevel=2)
    if table.shape[1] == 6 and not is_normals(table[:, 3:]) and not _byte_like(table[:, 3:]):
        return Raw(table[:, :3], normals=table[:, 3:])
    return columns(table)


def _byte_like(values: np.ndarray) -> bool:
    """Whether numbers look like colours: integers from 0 to 255."""
    return bool(((values >= 0) & (values <= 255) & (values == np.round(values))).all())


def _beside(array: np.ndarray, n: int, name: str, widths: tuple[int, ...]) -> np.ndarray:
    if array.ndim != 2 or len(array) != n or array.shape[1] not in widths:
        raise Damage(f"has {name} of shape {array.shape} beside {n} points", f"save ({n}, {widths[0]})")
    return np.asarray(array, np.float64) if name == "normals" else array
