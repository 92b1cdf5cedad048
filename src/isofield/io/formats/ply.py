"""PLY (Turk 1994), ascii and binary of either byte order, with any elements and properties.

The reader follows the header of the file, not a fixed layout: elements other than vertex, face and tristrips (range
grids, edges, cameras, materials) are skipped.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from isofield.io.formats.raw import SENSORS, Damage, Raw, check_count, indices, numbers, triangulate

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4",
    "uint32": "u4", "float32": "f4", "float64": "f8", "int64": "i8", "uint64": "u8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class Property:
    """One property: the type of its values, and for a list the type of its count."""

    name: str
    kind: str
    count: str | None = None


@dataclass(frozen=True)
class Element:
    """One element of the header: `count` rows of `properties`."""

    name: str
    count: int
    properties: tuple[Property, ...]


Column = tuple[np.ndarray, np.ndarray | None]
"""The values of one property, all rows concatenated, and for a list the (rows,) counts."""


FAINT = 0.1
"""Gaussian splats of a lower opacity show no surface."""
HARMONIC = 0.28209479177387814
"""The spherical harmonic of degree 0: 1 / (2 sqrt(pi))."""


def parse(data: bytes) -> Raw:
    """Parses a PLY file. Raises `Damage`."""
    order, elements, body = header(data)
    if not any(element.name == "vertex" for element in elements):
        raise Damage("is a PLY file without vertices", "export it with a 'vertex' element")
    read = _ascii(body) if order == "" else _binary(body, order)
    tables: dict[str, dict[str, Column]] = {}
    for element in elements:  # all of them, to check that the file is complete
        tables[element.name] = read(element)
    return _raw(tables)


def header(data: bytes) -> tuple[str, list[Element], bytes]:
    """The byte order ('' for ascii), the elements, and the bytes after the header."""
    end = data.find(b"end_header", 0, 1 << 20)
    if not data.startswith(b"ply") or end < 0:
        raise Damage("is cut short: its PLY header has no end")
    lines = data[:end].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    after = end + len(b"end_header")
    while data[after : after + 1] == b" ":
        after += 1
    for line_end in (b"\r\n", b"\n", b"\r"):
        if data.startswith(line_end, after):
            after += len(line_end)
            break
    order: str | None = None
    elements: list[Element] = []
    for line in lines[1:]:
        words = line.split()
        try:
            if not words or words[0] in ("comment", "obj_info"):
                continue
            if words[0] == "format":
                order = ORDERS[words[1]]
            elif words[0] == "element":
                elements.append(Element(words[1], int(words[2]), ()))
            elif words[0] == "property":
                last = elements[-1]
                added = (
                    Property(words[4], TYPES[words[3]], TYPES[words[2]])
                    if words[1] == "list"
                    else Property(words[2], TYPES[words[1]])
                )
                elements[-1] = Element(last.name, last.count, (*last.properties, added))
        except (KeyError, IndexError, ValueError):
            raise Damage(f"has a PLY header with an invalid line ({line.strip()[:60]!r})") from None
    if order is None:
        raise Damage("has a PLY header without a format line")
    return order, elements, data[after:]


def _ascii(body: bytes):
    """A function that reads the elements of a text body in their order."""
    values = None
    used = 0

    def read(element: Element) -> dict[str, Column]:
        nonlocal values, used
        least = sum(2 for _ in element.properties)  # a digit and a blank
        check_count(f"rows of '{element.name}'", element.count, least, len(body) + 1)
        if values is None:
            values = numbers(body)
        rest = values[used:]
        table, took = _rows(element, rest)
        used += took
        return table

    return read


def _rows(element: Element, rest: np.ndarray) -> tuple[dict[str, Column], int]:
    """One element from a flat array of numbers: its columns, and how many numbers it used."""
    n, properties = element.count, element.properties
    if not n or not properties:
        return {p.name: (np.empty(0), np.empty(0, np.int64) if p.count else None) for p in properties}, 0
    # Usually all rows are as long as the first: then the numbers are a table.
    widths, at = [], 0
    for p in properties:
        if p.count and at >= len(rest):
            _short(element, 0)
        widths.append(_count(rest[at]) if p.count else 1)
        at += widths[-1] + bool(p.count)
    if n * at <= len(rest):
        table = rest[: n * at].reshape(n, at)
        columns: dict[str, Column] = {}
        start, same = 0, True
        for p, width in zip(properties, widths, strict=True):
            if p.count:
                same = same and bool((table[:, start] == width).all())
                start += 1
            values = table[:, start : start + width].reshape(-1)
            if p.kind == "u1" and not p.count:  # a colour: its type tells whether 1 is nearly black or full intensity
                values = np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
            columns[p.name] = (values, np.full(n, width) if p.count else None)
            start += width
        if same:
            return columns, n * at
    # Rows of different lengths are read one by one.
    parts: list[list[np.ndarray]] = [[] for _ in properties]
    counts: list[list[int]] = [[] for _ in properties]
    at = 0
    for row in range(n):
        for i, p in enumerate(properties):
            width = 1
            if p.count:
                if at >= len(rest):
                    _short(element, row)
                width = _count(rest[at])
                counts[i].append(width)
                at += 1
            if at + width > len(rest):
                _short(element, row)
            parts[i].append(rest[at : at + width])
            at += width
    return {
        p.name: (np.concatenate(parts[i]), np.array(counts[i], np.int64) if p.count else None)
        for i, p in enumerate(properties)
    }, at


def _binary(body: bytes, order: str):
    """A function that reads the elements of a binary body in their order."""
    used = 0

    def read(element: Element) -> dict[str, Column]:
        nonlocal used
        least = sum(np.dtype(p.count or p.kind).itemsize for p in element.properties)
        check_count(f"rows of '{element.name}'", element.count, least, len(body) - used)
        table, used = _records(element, body, used, order)
        return table

    return read


def _records(element: Element, body: bytes, used: int, order: str) -> tuple[dict[str, Column], int]:
    """One element of a binary body from byte `used`: its columns, and the byte after it."""
    n, properties = element.count, element.properties
    if not n or not properties:
        return {p.name: (np.empty(0), np.empty(0, np.int64) if p.count else None) for p in properties}, used
    fields: list[tuple] = []
    at = used
    for i, p in enumerate(properties):
        if p.count:
            width, at = _read_count(element, body, at, order + p.count, 0)
            fields += [(f"count{i}", order + p.count), (f"value{i}", order + p.kind, (width,))]
            at += width * np.dtype(p.kind).itemsize
        else:
            fields.append((f"value{i}", order + p.kind))
            at += np.dtype(p.kind).itemsize
    size = at - used
    if size * n <= len(body) - used:
        table = np.frombuffer(body, np.dtype(fields), n, used)
        if all((table[f"count{i}"] == table[f"value{i}"].shape[1]).all() for i, p in enumerate(properties) if p.count):
            return {
                p.name: (
                    table[f"value{i}"].reshape(-1),
                    np.full(n, table[f"value{i}"].shape[1]) if p.count else None,
                )
                for i, p in enumerate(properties)
            }, used + size * n
    # Rows of different lengths: one pass finds their positions, then each property is gathered.
    places: list[list[int]] = [[] for _ in properties]
    counts: list[list[int]] = [[] for _ in properties]
    at = used
    for row in range(n):
        for i, p in enumerate(properties):
            width = 1
            if p.count:
                width, at = _read_count(element, body, at, order + p.count, row)
            counts[i].append(width)
            places[i].append(at)
            at += width * np.dtype(p.kind).itemsize
            if at > len(body):
                _short(element, row)
    raw = np.frombuffer(body, np.uint8)
    columns: dict[str, Column] = {}
    for i, p in enumerate(properties):
        size, lengths = np.dtype(p.kind).itemsize, np.array(counts[i], np.int64)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        start = np.repeat(np.array(places[i], np.int64), lengths) + within * size
        values = raw[start[:, None] + np.arange(size)].reshape(-1).view(order + p.kind)
        columns[p.name] = (values, lengths if p.count else None)
    return columns, at


def _read_count(element: Element, body: bytes, at: int, kind: str, row: int) -> tuple[int, int]:
    """The length of a list at byte `at`, and the byte after it."""
    dtype = np.dtype(kind)
    if at + dtype.itemsize > len(body):
        _short(element, row)
    return _count(float(np.frombuffer(body, dtype, 1, at)[0])), at + dtype.itemsize


def _count(value: float) -> int:
    if not 0 <= value <= 1e9 or value != int(value):
        raise Damage(f"has a list of {value:g} items, so its data do not fit its header")
    return int(value)


def _short(element: Element, row: int) -> None:
    raise Damage(
        f"is cut short: its header promises {element.count} rows of '{element.name}', and the file ends in "
        f"row {row + 1}"
    )


def _raw(tables: dict[str, dict[str, Column]]) -> Raw:
    """The content of the elements: vertices with normals and colours, faces, triangle strips."""
    vertex = {name.lower(): values for name, (values, counts) in tables["vertex"].items() if counts is None}
    used: set[str] = set()

    def triple(*choices: str) -> np.ndarray | None:
        for choice in choices:
            names = choice.split()
            if all(name in vertex for name in names):
                used.update(names)
                return np.stack([vertex[name] for name in names], axis=1)
        return None

    points = triple("x y z")
    if points is None:
        raise Damage("is a PLY file whose vertices have no x, y and z", "export it with these three properties")
    normals = triple("nx ny nz", "normal_x normal_y normal_z")
    colors = triple(
        "red green blue alpha", "red green blue", "diffuse_red diffuse_green diffuse_blue", "r g b a", "r g b"
    )
    sensors = triple(*SENSORS)
    if {"f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "rot_0"} <= vertex.keys() and "face" not in tables:
        return _splats(points, vertex)
    faces = [_faces(tables["face"], points)] if "face" in tables else []
    if "tristrips" in tables:
        faces.append(_strips(tables["tristrips"], len(points)))
    found = [f for f in faces if f is not None]
    return Raw(
        points.astype(np.float64),
        np.concatenate(found) if found else None,
        None if normals is None else normals.astype(np.float64),
        colors,
        {name: values for name, values in vertex.items() if name not in used},
        None if sensors is None else sensors.astype(np.float64),
    )


def _splats(points: np.ndarray, vertex: dict[str, np.ndarray]) -> Raw:
    """The centres of Gaussian splats (Kerbl et al. 2023), with the colours of their lowest spherical harmonic; splats
    that are nearly transparent are left out with a warning."""
    opacity = 1 / (1 + np.exp(-np.asarray(vertex["opacity"], np.float64).clip(-50, 50)))
    solid = opacity > FAINT
    if not solid.all():
        warnings.warn(
            f"{np.count_nonzero(~solid)} of {len(solid)} Gaussian splats have an opacity below {FAINT} and are left "
            "out",
            stacklevel=2,
        )
    lowest = np.stack([vertex[f"f_dc_{channel}"] for channel in range(3)], axis=1).astype(np.float64)
    colors = np.round(255 * (0.5 + HARMONIC * lowest).clip(0, 1)).astype(np.uint8)
    return Raw(points[solid].astype(np.float64), colors=colors[solid])


def _polygons(table: dict[str, Column]) -> tuple[np.ndarray, np.ndarray] | None:
    for name in ("vertex_indices", "vertex_index"):
        if name in table and table[name][1] is not None:
            values, counts = table[name]
            return indices(values), counts  # type: ignore[return-value]
    return None


def _faces(table: dict[str, Column], points: np.ndarray) -> np.ndarray | None:
    polygons = _polygons(table)
    if polygons is None:
        if any(len(values) for values, _ in table.values()):
            raise Damage("has faces without 'vertex_indices'", "export it with that property")
        return None
    return triangulate(polygons[1], polygons[0], len(points), 0, points)


def _strips(table: dict[str, Column], vertices: int) -> np.ndarray | None:
    """Triangles of strips, which -1 separates; every second triangle is reversed."""
    polygons = _polygons(table)
    if polygons is None:
        return None
    strips: list[np.ndarray] = []
    ends = np.cumsum(polygons[1])
    for start, end in zip(ends - polygons[1], ends, strict=True):
        row = polygons[0][start:end]
        for strip in np.split(row, np.flatnonzero(row == -1)):
            strip = strip[strip != -1]
            if len(strip) < 3:
                continue
            triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1)
            triangles[1::2] = triangles[1::2, ::-1]
            strips.append(triangles)
    if not strips:
        return None
    corners = np.concatenate(strips)
    return triangulate(np.full(len(corners), 3), corners.reshape(-1), vertices)
