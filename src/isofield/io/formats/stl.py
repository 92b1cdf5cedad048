"""STL, binary and ascii; the length of the file decides which it is, not its first word."""

from __future__ import annotations

import re

import numpy as np

from isofield.io.formats.raw import Damage, Raw, numbers

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEAD = 84
"""Bytes before the first triangle: 80 of text and the count."""


def parse(data: bytes) -> Raw:
    """Parses an STL file: three vertices per triangle. Raises `Damage`."""
    points = _ascii(data) if is_ascii(data) else _binary(data)
    faces = np.arange(len(points)).reshape(-1, 3)
    return Raw(points, faces if len(faces) else None)


def is_ascii(data: bytes) -> bool:
    """Whether an STL file is text. A binary file may begin with 'solid' too, but its length matches its count."""
    if data.lstrip()[:5].lower() != b"solid":
        return False
    if len(data) >= HEAD and len(data) == HEAD + RECORD.itemsize * int.from_bytes(data[80:84], "little"):
        return False
    return b"\0" not in data[:4096]


def _binary(data: bytes) -> np.ndarray:
    if len(data) < HEAD:
        raise Damage("is cut short: a binary STL file has at least 84 bytes")
    count = int.from_bytes(data[80:84], "little")
    held = (len(data) - HEAD) // RECORD.itemsize
    if count > held:
        raise Damage(f"is cut short: its header promises {count} triangles, and the file holds {held}")
    return np.frombuffer(data, RECORD, count, HEAD)["corners"].reshape(-1, 3).astype(np.float64)


def _ascii(data: bytes) -> np.ndarray:
    text = data.lower()
    rows = [line.split(b"vertex", 1)[1] for line in text.splitlines() if b"vertex" in line and b"solid" not in line]
    loops = len(re.findall(rb"endloop", text))
    if b"endsolid" not in text or len(rows) != 3 * loops:
        raise Damage("is cut short: its last triangle or its 'endsolid' is missing")
    values = numbers(b"\n".join(rows))
    if len(values) != 3 * len(rows):
        raise Damage("has a vertex that is not three numbers")
    return values.reshape(-1, 3)
