"""The result of a file reader, its error, and the steps that all formats share."""

from __future__ import annotations

import bz2
import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

CUT = "copy or export it again"
"""The remedy for a file that ends too early or contradicts itself."""


SENSORS = (
    "x_origin y_origin z_origin", "origin_x origin_y origin_z", "vp_x vp_y vp_z", "sensor_x sensor_y sensor_z",
)  # fmt: skip
"""Names of the columns with the position of the sensor of each point."""
EXPANSION, EXPANDED = 100, 1 << 24
"""An archive may expand to this many times its size, or to this many bytes if that is more."""
PIECE = 1 << 20
"""Bytes of an archive's content that are expanded at once, to count them."""


class Damage(Exception):
    """A file that cannot be read: `what` continues a sentence that begins with its name; `remedy` ends it."""

    def __init__(self, what: str, remedy: str = CUT):
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True)
class Raw:
    """The content of a file before cleaning.

    points: (n, 3) float64. faces: (m, 3) int64 or None. normals: (n, 3) float64 as the file has them, or None.
    colors: (n, 3) or (n, 4), as the file has them, or None. attributes: other numbers (n,) at the points, by name.
    sensors: (n, 3) float64, position of the sensor of each point, NaN where unknown, or None. pixels: as in `Cloud`.
    """

    points: np.ndarray
    faces: np.ndarray | None = None
    normals: np.ndarray | None = None
    colors: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    sensors: np.ndarray | None = None
    pixels: np.ndarray | None = None


def numbers(text: bytes) -> np.ndarray:
    """All numbers of a text, separated by white space: (n,) float64. Raises `Damage` for anything else."""
    text = text.strip()
    if not text:
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # older NumPy warns and stops where newer NumPy raises
        try:
            return np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning):
            pass
    for row, line in enumerate(text.splitlines(), 1):
        for token in line.split():
            try:
                float(token)
            except ValueError:
                word = token[:20].decode("utf-8", "replace")
                raise Damage(f"has {word!r} where a number belongs (data line {row})") from None
    raise Damage("has something else where a number belongs")


def indices(values: np.ndarray) -> np.ndarray:
    """Numbers in float64 as int64. Raises `Damage` if one is not an integer."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise Damage("has a face whose vertex numbers are not whole numbers")
    return whole


def triangulate(
    counts: np.ndarray, corners: np.ndarray, vertices: int, first: int = 0, points: np.ndarray | None = None
) -> np.ndarray | None:
    """Splits polygons into fans of triangles, in the order of the file; where `points` (vertices, 3) are given, concave
    ones into triangles inside them.

    counts: (p,) corners of each polygon; those with fewer than three (points, lines) are left out.
    corners: (sum(counts),) vertex indices from 0, all polygons concatenated. vertices: their number.
    first: the index of the first vertex in the file, for the message.
    Returns (m, 3) int64, or None if there is no triangle. Raises `Damage` for a vertex that does not exist.
    """
    counts, corners = np.asarray(counts, np.int64), np.asarray(corners, np.int64)
    bad = np.flatnonzero((corners < 0) | (corners >= vertices))
    if len(bad):
        row = int(np.searchsorted(np.cumsum(counts), bad[0], side="right"))
        raise Damage(
            f"has a face (number {row + 1}) that names vertex {corners[bad[0]] + first}, but there are only {vertices} "
            f"vertices (numbered from {first})"
        )
    triangles = np.maximum(counts - 2, 0)
    if not triangles.sum():
        return None
    start = np.repeat(np.cumsum(counts) - counts, triangles)
    step = np.arange(triangles.sum()) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    made = np.stack([corners[start], corners[start + step + 1], corners[start + step + 2]], axis=1)
    if points is not None and (counts > 3).any():
        _split_concave(made, triangles, counts, corners, np.asarray(points, np.float64))
    return made


def _split_concave(
    made: np.ndarray, triangles: np.ndarray, counts: np.ndarray, corners: np.ndarray, points: np.ndarray
) -> None:
    """Replaces the fans of concave polygons, `triangles` (p,) rows of `made` each, in place: a fan of one has triangles
    that face away from the whole."""
    a, b, c = (points[made[:, k]] for k in range(3))
    with np.errstate(over="ignore", invalid="ignore"):
        normal = np.cross(b - a, c - a)
    owner = np.repeat(np.arange(len(counts)), triangles)
    whole = np.stack([np.bincount(owner, normal[:, axis], len(counts)) for axis in range(3)], axis=1)
    concave = np.unique(owner[(normal * whole[owner]).sum(1) < 0])
    end, last = np.cumsum(counts), np.cumsum(triangles)
    if not len(concave):
        return
    from manifold3d import triangulate as inside  # most files have no concave polygon

    for row in concave:
        ring = corners[end[row] - counts[row] : end[row]]
        axis = int(np.abs(whole[row]).argmax())
        flat = points[ring][:, [(axis + 1) % 3, (axis + 2) % 3]] * [np.sign(whole[row, axis]), 1]
        found = np.asarray(inside([flat]), np.int64).reshape(-1, 3)
        if len(found) == triangles[row]:  # otherwise the polygon crosses itself
            made[last[row] - triangles[row] : last[row]] = ring[found]


def check_count(what: str, count: int, smallest: float, there: int) -> None:
    """Raises `Damage` if the file cannot hold a promised count, before anything is allocated for it.

    count: promised items; smallest: bytes of the smallest item; there: bytes left in the file.
    """
    if count < 0:
        raise Damage(f"promises {count} {what} in its header")
    if count * smallest > there:
        raise Damage(
            f"is cut short: its header promises {count} {what}, and the file cannot hold more than "
            f"{int(there // max(smallest, 1e-9))}"
        )


def check_expansion(data: bytes) -> None:
    """Raises `Damage` for a zip, gzip or bzip2 archive that would expand beyond `EXPANSION`. A zip archive tells its
    size; the others are expanded in pieces that are not kept."""
    limit = max(EXPANDED, EXPANSION * len(data))
    try:
        expanded = _expanded(io.BytesIO(data), limit)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, zlib.error):
        return  # the parser of its format reports it
    if expanded > limit:
        raise Damage(
            f"would expand from {len(data) / 2**20:.3g} to {expanded / 2**20:.3g} MiB or more",
            "save it without compression",
        )


def _expanded(data: io.BytesIO, limit: int) -> int:
    """The size of an archive's content in bytes; 0 for other data."""
    magic = data.getvalue()[:3]
    if magic.startswith(b"PK"):
        with zipfile.ZipFile(data) as archive:
            return sum(member.file_size for member in archive.infolist())
    if not magic.startswith((b"\x1f\x8b", b"BZh")):
        return 0
    size = 0
    with bz2.BZ2File(data) if magic == b"BZh" else gzip.GzipFile(fileobj=data) as stream:
        while size <= limit and (piece := stream.read(PIECE)):
            size += len(piece)
    return size


def bytes_of_colors(colors: np.ndarray) -> np.ndarray:
    """(n, 3) or (n, 4) colours as (n, 4) uint8, from integers up to 255 or 65535, or fractions of 1."""
    values = np.nan_to_num(np.asarray(colors, np.float64))
    highest = values[:, :3].max(initial=0)
    if highest > 255:
        values = values / 257
    elif highest <= 1 and not np.issubdtype(colors.dtype, np.integer):
        values = values * 255
    values = np.clip(np.round(values), 0, 255).astype(np.uint8)
    if values.shape[1] == 3:
        values = np.concatenate([values, np.full((len(values), 1), 255, np.uint8)], axis=1)
    return values


def unit_length(vectors: np.ndarray) -> bool:
    """Whether at least 95 % of vectors (n, 3) have unit length, to 2 %."""
    length = np.sqrt(np.sum(np.square(np.nan_to_num(vectors, posinf=0, neginf=0)), axis=1))
    return len(length) > 0 and float(np.mean(np.abs(length - 1) < 0.02)) >= 0.95


def columns(table: np.ndarray) -> Raw:
    """Interprets the columns of a table (n, 3..) float64 without names.

    Three columns are x y z; four add an intensity; six add normals, or colours if they are neither negative nor of unit
    length. With more columns, three of unit length in a row are normals, and three of whole numbers up to 255 are
    colours: in seven columns the last three if they may be. Nine columns have both, in either order. Other columns, but
    for a single one, are left out with a warning. A first column of four or more that counts the rows is left out.
    """
    if table.shape[1] > 3 and len(table) > 2 and np.array_equal(table[:, 0], np.arange(len(table)) + table[0, 0]):
        warnings.warn("the first column counts the rows, and is left out", stacklevel=2)
        table = table[:, 1:]
    width = table.shape[1]
    points, rest = table[:, :3], table[:, 3:]
    if width < 3:
        raise Damage(
            f"has {width} column{'s'[: width != 1]} of numbers, and points need three (x y z)",
            "save it with at least three numbers on each line",
        )
    if width in (3, 4):
        return Raw(points)
    if width == 6:
        if not np.any(rest):
            warnings.warn("the last three columns are 0 everywhere, and are left out", stacklevel=2)
            return Raw(points)
        return Raw(points, normals=rest) if is_normals(rest) else Raw(points, colors=rest)
    if width == 9:
        one, two = rest[:, :3], rest[:, 3:]
        return Raw(points, normals=two, colors=one) if is_normals(two) else Raw(points, normals=one, colors=two)
    triples = {first: rest[:, first : first + 3] for first in range(width - 5)}
    normal = next((first for first, vectors in triples.items() if unit_length(vectors)), None)
    free = [first for first in triples if normal is None or abs(first - normal) > 2]
    color = next((first for first in free[:: -1 if width == 7 else 1] if _is_bytes(triples[first])), None)
    left = width - 3 - 3 * ((normal is not None) + (color is not None))
    if left > 1:
        warnings.warn(f"{left} of {width} columns are neither points, normals nor colours: left out", stacklevel=2)
    return Raw(
        points,
        normals=None if normal is None else triples[normal],
        colors=None if color is None else triples[color],
    )


def _is_bytes(values: np.ndarray) -> bool:
    """Whether all numbers (n, 3) are whole ones from 0 to 255, and some are above 1."""
    return bool(((values >= 0) & (values <= 255) & (values == np.floor(values))).all() and (values > 1).any())


def is_normals(vectors: np.ndarray) -> bool:
    """Whether columns (n, 3) are normals (of unit length, or partly negative) rather than colours."""
    return unit_length(vectors) or bool(np.nanmin(vectors, initial=0) < 0)
