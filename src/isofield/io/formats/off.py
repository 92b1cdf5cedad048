"""OFF (Geomview) as text: OFF, COFF, NOFF, STOFF and combinations, with counts on the first or the second line."""

from __future__ import annotations

import re

import numpy as np

from isofield.io.formats.raw import Damage, Raw, check_count, indices, numbers, triangulate

HEAD = re.compile(rb"(ST)?(C)?(N)?OFF(?P<rest>.*)", re.DOTALL)


def parse(data: bytes) -> Raw:
    """Parses an OFF file. Raises `Damage`."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"#" in data:
        data = re.sub(rb"#[^\r\n]*", b"", data)
    lines = [line for line in (line.strip() for line in data.splitlines()) if line]
    match = HEAD.fullmatch(lines[0]) if lines else None
    if match is None or match["rest"].strip().startswith(b"BINARY"):
        raise Damage("is not a text OFF file (its first line does not say OFF)", "export it again as text OFF")
    colored, normal = bool(match[2]), bool(match[3])
    # The counts are on the next line; some writers (ModelNet's) omit the line break.
    lines = ([match["rest"].strip()] if match["rest"].strip() else []) + lines[1:]
    counts = numbers(lines[0])[:3] if lines else np.empty(0)
    if len(counts) < 2:
        raise Damage("is cut short: it has no counts of vertices and faces")
    vertices, polygons = (int(c) for c in indices(counts)[:2])
    size = sum(map(len, lines)) + len(lines)
    check_count("vertices", vertices, 6, size)
    check_count("faces", polygons, 2, size)
    if len(lines) - 1 < vertices + polygons:
        raise Damage(
            f"is cut short: its header promises {vertices} vertices and {polygons} faces, and {len(lines) - 1} "
            "lines follow"
        )
    table = _table(lines[1 : 1 + vertices])
    rest = table[:, 3:]
    normals = rest[:, :3] if normal and rest.shape[1] >= 3 else None
    rest = rest[:, 3:] if normals is not None else rest
    colors = rest[:, : min(rest.shape[1], 4)] if rest.shape[1] >= 3 and (colored or not normal) else None
    faces = _faces(lines[1 + vertices : 1 + vertices + polygons], table[:, :3]) if polygons else None
    return Raw(table[:, :3], faces, normals, colors)


def _table(rows: list[bytes]) -> np.ndarray:
    """Lines of numbers as a table with as many columns as the shortest line has, at least three."""
    if not rows:
        return np.empty((0, 3))
    widths = {len(row.split()) for row in rows}
    narrow = min(widths)
    if narrow < 3:
        raise Damage("has a vertex with fewer than three numbers")
    if len(widths) > 1:
        rows = [b" ".join(row.split()[:narrow]) for row in rows]
    return numbers(b"\n".join(rows)).reshape(len(rows), narrow)


def _faces(rows: list[bytes], points: np.ndarray) -> np.ndarray | None:
    """Lines 'k i1 .. ik [colour]' as triangles."""
    corners: list[bytes] = []
    counts: list[int] = []
    for number, row in enumerate(rows, 1):
        words = row.split()
        if not words[0].isdigit() or len(words) <= (count := int(words[0])):
            raise Damage(
                f"has a face (number {number}) that is cut short or invalid ({row[:40].decode('utf-8', 'replace')!r})"
            )
        counts.append(count)
        corners += words[1 : 1 + count]
    return triangulate(np.array(counts, np.int64), indices(numbers(b" ".join(corners))), len(points), 0, points)
