"""Points as text, one on a line: .xyz, .pts, .txt, .csv and .asc, however their columns are separated."""

from __future__ import annotations

import re
import warnings

import numpy as np

from isofield.io.formats.raw import Damage, Raw, columns, numbers

NUMBER = re.compile(rb"[-+]?(\d|\.\d|nan|inf)", re.IGNORECASE)
NAMES = (
    (("x",), ("y",), ("z",)),
    (("nx", "normal_x", "normalx"), ("ny", "normal_y", "normaly"), ("nz", "normal_z", "normalz")),
    (("r", "red"), ("g", "green"), ("b", "blue")),
)
"""What columns of points, normals and colours are called, whatever their case and what follows ("X [m]")."""


def parse(data: bytes) -> Raw:
    """The bytes of a .xyz or .pts file to `Raw`: 3, 4, 6, 7 or 9 columns (see `columns`). Raises `Damage`.

    Blanks, tabs, commas and semicolons separate; a comma beside semicolons is a decimal comma. Where the first line
    names the columns x, y and z, they are taken from there, as are normals and colours, and other columns are left
    out. Empty lines and comments (after # or //) are left out, too. A line of one whole number says how many points
    follow.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data[:4096]:
        raise Damage("is not text", "save it as text, or give it the extension of its format")
    named = _named(data)
    if named is not None:
        return named
    if b"#" in data or b"//" in data:
        data = re.sub(rb"(#|//)[^\r\n]*", b"", data)
    if b";" in data and b"," in data:
        data = data.replace(b",", b".")
    data = data.translate(bytes.maketrans(b",;\t", b"   ")).strip()
    plain = _plain(data)
    if plain is not None:
        return columns(plain)
    lines = [line for line in (line.strip() for line in data.splitlines()) if line]
    if lines and not NUMBER.match(lines[0]):
        lines = lines[1:]  # names of the columns
    # A count stands alone on its line; several scans in one file have one each.
    promised: int | None = None
    if lines and lines[0].isdigit() and (len(lines) == 1 or len(lines[1].split()) >= 3):
        heads = [line for line in lines if line.isdigit()]
        promised = sum(int(head) for head in heads)
        lines = [line for line in lines if not line.isdigit()]
    if promised is not None and promised > len(lines):
        raise Damage(f"is cut short: its header promises {promised} points, and {len(lines)} follow")
    if promised is not None and promised < len(lines):
        warnings.warn(f"the header promises {promised} points and {len(lines)} follow; all are read", stacklevel=2)
    if not lines:
        raise Damage("holds no points", "save it with a point on each line")
    return columns(_table(lines))


def _named(data: bytes) -> Raw | None:
    """The columns that names at the head of the text tell, or None where none are x, y and z. Raises `Damage`."""
    head = data[:65_536].splitlines()
    names: list[str] = []
    for line in head:  # names may stand in a comment, or after some
        names = _names(line)
        found = [[next((names.index(name) for name in one if name in names), -1) for one in group] for group in NAMES]
        if -1 not in found[0]:
            break
        if line.strip() and not line.lstrip().startswith((b"#", b"//")):
            if re.match(rb"[\"']?[^\W\d_]", line) and not NUMBER.match(line):
                said = " ".join(names)[:60]
                warnings.warn(f"no columns are named x, y and z, but {said}: they are taken in order", stacklevel=4)
            return None
    else:
        return None
    chosen = [column for group in found if -1 not in group for column in group]
    begin = head.index(line) + 1
    lines = [line for line in data.splitlines()[begin:] if line.strip() and line.lstrip()[:1] != b"#"]
    lines = [line.replace(b'"', b"") for line in lines if not line.lstrip().startswith(b"//")]
    if not lines:
        raise Damage("holds no points", "save it with a point on each line")
    between = next((sign for sign in (b";", b"\t", b",") if sign in lines[0]), None)
    rows = []
    for number, line in enumerate(lines, 1):
        cells = line.split(between)
        if len(cells) < len(names):
            raise Damage(
                f"has {len(cells)} columns on data line {number}, and {len(names)} names at its head",
                "give each line as many columns",
            )
        rows.append(b" ".join(cells[column].strip() or b"nan" for column in chosen))
    text = b"\n".join(rows)
    values = numbers(text.replace(b",", b".") if between == b";" else text)
    if len(values) != len(rows) * len(chosen):
        raise Damage("has cells that hold more than one number", "give each cell one number")
    table = values.reshape(len(rows), -1)
    normals = table[:, 3:6] if -1 not in found[1] else None
    return Raw(table[:, :3], normals=normals, colors=table[:, -3:] if -1 not in found[2] else None)


def _names(line: bytes) -> list[str]:
    """A line as names of columns: small letters, without quotes, units in brackets and a comment's sign."""
    title = re.sub("\\[.*?\\]|\\(.*?\\)|[#\"']|//", "", line.decode("utf-8", "replace").lower())
    return [name.strip() for name in (re.split("[,;\t]", title) if re.search("[,;\t]", title) else title.split())]


def _plain(data: bytes) -> np.ndarray | None:
    """The table of a text of nothing but rows of numbers, in one go; None where it needs a closer look."""
    width = len(data[:1000].split(b"\n", 1)[0].split())
    if width < 3 or not NUMBER.match(data):
        return None
    values = numbers(data)
    return values.reshape(-1, width) if len(values) == width * (data.count(b"\n") + 1) else None


def _table(lines: list[bytes]) -> np.ndarray:
    """Lines of equally many numbers to a table. Raises `Damage` with the number of the line that differs."""
    width = len(lines[0].split())
    values = numbers(b"\n".join(lines))
    if len(values) == width * len(lines):
        return values.reshape(-1, width)
    for number, line in enumerate(lines, 1):
        if len(line.split()) != width:
            raise Damage(
                f"has {len(line.split())} numbers on data line {number}, and {width} on the first",
                "give each line as many numbers",
            )
    raise Damage("has lines of different lengths", "give each line as many numbers")
