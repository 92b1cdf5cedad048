"""Points as text, one a line: .xyz, .pts, .txt, .csv, .asc and others, with any separator of columns."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np

from isofield.io.formats.raw import SENSORS, Damage, Raw, columns, numbers

NUMBER = re.compile(rb"[-+]?(\d|\.\d|nan|inf)", re.IGNORECASE)
DECIMAL = re.compile(rb"[-+]?\d+(,\d+)?(e[-+]?\d+)?", re.IGNORECASE)
NAMES = (
    (
        ("x", "easting", "east", "lon", "longitude"),
        ("y", "northing", "north", "lat", "latitude"),
        ("z", "elevation", "elev", "height", "altitude", "alt"),
    ),
    (("nx", "normal_x", "normalx"), ("ny", "normal_y", "normaly"), ("nz", "normal_z", "normalz")),
    (("r", "red", "rf"), ("g", "green", "gf"), ("b", "blue", "bf")),
    tuple(zip(*(names.split() for names in SENSORS), strict=True)),
)
"""Names of the columns of points, normals, colours and sensors, in any case and with any suffix ("X [m]")."""


def parse(data: bytes) -> Raw:
    """Parses a text of points with columns (see `columns`). Raises `Damage`.

    Columns are separated by blanks, tabs, commas or semicolons; a comma beside semicolons, or in numbers that blanks
    separate, is a decimal comma. If the first line names the columns x, y and z, or easting, northing and elevation,
    these are used, with normals, colours and sensors, and other columns are left out. Empty lines and comments (after #
    or //) are skipped. A line with a single integer is the number of points that follow.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data[:4096]:
        raise Damage("is not text", "save it as text, or give it the extension of its format")
    count = re.match(rb"\s*(\d+)\s*[\r\n]+(?=[^\n]*[^\W\d_])", data)  # the number of points, before the names
    named = _named(data[count.end() :] if count else data)
    if named is not None:
        if count:
            _check_count(int(count[1]), len(named.points))
        return named
    if b"#" in data or b"//" in data:
        data = re.sub(rb"(#|//)[^\r\n]*", b"", data)
    if b"," in data and (b";" in data or _has_decimal_commas(data)):
        data = data.replace(b",", b".")
    data = data.translate(bytes.maketrans(b",;\t", b"   ")).strip()
    plain = _plain(data)
    if plain is not None:
        return columns(plain)
    lines = [line for line in (line.strip() for line in data.splitlines()) if line]
    if lines and not NUMBER.match(lines[0]):
        lines = lines[1:]  # names of the columns
    # A count is alone on its line; each of several scans in a file has one.
    promised: int | None = None
    if lines and lines[0].isdigit() and (len(lines) == 1 or len(lines[1].split()) >= 3):
        heads = [line for line in lines if line.isdigit()]
        promised = sum(int(head) for head in heads)
        lines = [line for line in lines if not line.isdigit()]
    if promised is not None:
        _check_count(promised, len(lines))
    if not lines:
        raise Damage("holds no points", "save it with a point on each line")
    return columns(_table(lines))


def _has_decimal_commas(data: bytes) -> bool:
    """Whether the first line with numbers has three and more between blanks, with a comma in each that is not whole."""
    for line in data[:4096].splitlines():
        cells = line.split()
        if cells and NUMBER.match(cells[0]) and len(cells) > 1:
            return len(cells) >= 3 and all(DECIMAL.fullmatch(cell) for cell in cells) and b"," in line
    return False


def _check_count(promised: int, found: int) -> None:
    """Raises `Damage` for fewer points than the text says it has, and warns of more."""
    if promised > found:
        raise Damage(f"is cut short: its header promises {promised} points, and {found} follow")
    if promised < found:
        warnings.warn(f"the header promises {promised} points and {found} follow; all are read", stacklevel=3)


def _named(data: bytes) -> Raw | None:
    """The columns as named at the head of the text, or None if none are named x, y and z. Raises `Damage`."""
    head = _head(data[:65_536].splitlines())
    if head is None:
        return None
    begin, names = head
    groups = [_columns_of(group, names) for group in NAMES]
    chosen = [column for group in groups if group is not None for column in group]
    lines = [line for line in data.splitlines()[begin:] if line.strip() and line.lstrip()[:1] != b"#"]
    lines = [line.replace(b'"', b"") for line in lines if not line.lstrip().startswith(b"//")]
    if lines and lines[0].strip().isdigit() and len(names) > 1:  # CloudCompare writes the number of points here
        promised, lines = int(lines[0]), lines[1:]
        _check_count(promised, len(lines))
    if not lines:
        raise Damage("holds no points", "save it with a point on each line")
    decimal = _has_decimal_commas(lines[0])
    between = None if decimal else next((sign for sign in (b";", b"\t", b",") if sign in lines[0]), None)
    rows = []
    for number, line in enumerate(lines, 1):
        cells = line.split(between)
        if len(cells) < len(names):
            raise Damage(
                f"has {len(cells)} columns on data line {number}, and {len(names)} names at its head",
                "give each line the same number of columns",
            )
        rows.append(b" ".join(cells[column].strip() or b"nan" for column in chosen))
    text = b"\n".join(rows)
    values = numbers(text.replace(b",", b".") if decimal or between == b";" else text)
    if len(values) != len(rows) * len(chosen):
        raise Damage("has cells that hold more than one number", "give each cell one number")
    table = values.reshape(len(rows), -1)
    parts = iter(np.hsplit(table, len(chosen) // 3))
    _, normals, colors, sensors = (None if group is None else next(parts) for group in groups)
    return Raw(table[:, :3], normals=normals, colors=colors, sensors=sensors)


def _head(lines: list[bytes]) -> tuple[int, list[str]] | None:
    """The number of lines up to the names of the columns, and the names; None where none are x, y and z. The names may
    be in a comment, or after comments."""
    for number, line in enumerate(lines, 1):
        names = _names(line)
        if _columns_of(NAMES[0], names) is not None:
            return number, names
        if line.strip() and not line.lstrip().startswith((b"#", b"//")):
            if re.match(rb"[\"']?[^\W\d_]", line) and not NUMBER.match(line):
                header = " ".join(names)[:60]
                warnings.warn(
                    f"no columns are named x, y and z, but {header}: they are taken in their order as x, y, z",
                    stacklevel=5,
                )
            return None
    return None


def _columns_of(group: Sequence[Sequence[str]], names: list[str]) -> list[int] | None:
    """The columns of the three parts of a group of `NAMES`, or None where one is missing."""
    found = [next((names.index(name) for name in part if name in names), None) for part in group]
    columns = [column for column in found if column is not None]
    return columns if len(columns) == len(found) else None


def _names(line: bytes) -> list[str]:
    """The names of columns in a line: lower case, without quotes, units in brackets and the sign of a comment."""
    title = re.sub("\\[.*?\\]|\\(.*?\\)|[#\"']|//", "", line.decode("utf-8", "replace").lower())
    return [name.strip() for name in (re.split("[,;\t]", title) if re.search("[,;\t]", title) else title.split())]


def _plain(data: bytes) -> np.ndarray | None:
    """The table of a text that holds only rows of numbers, parsed at once; None for any other text."""
    width = len(data[:1000].split(b"\n", 1)[0].split())
    if width < 3 or not NUMBER.match(data):
        return None
    values = numbers(data)
    return values.reshape(-1, width) if len(values) == width * (data.count(b"\n") + 1) else None


def _table(lines: list[bytes]) -> np.ndarray:
    """Lines with the same number of columns as a table. Raises `Damage` with the number of the line that differs."""
    width = len(lines[0].split())
    values = numbers(b"\n".join(lines))
    if len(values) == width * len(lines):
        return values.reshape(-1, width)
    for number, line in enumerate(lines, 1):
        if len(line.split()) != width:
            raise Damage(
                f"has {len(line.split())} numbers on data line {number}, and {width} on the first",
                "give each line the same number of numbers",
            )
    raise Damage("has lines of different lengths", "give each line the same number of numbers")
