"""Wavefront OBJ: positions, vertex colours and faces. Textures, normals, groups and materials are ignored.

Faces use the vertices of the file, so that texture seams do not split the surface; polygons become triangles.
"""

from __future__ import annotations

import re

import numpy as np

from isofield.io.formats.raw import Damage, Raw, numbers, triangulate


def parse(data: bytes) -> Raw:
    """Parses an OBJ file. Raises `Damage`."""
    data = data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    lines = [line.strip() for line in data.splitlines()]
    vertices = [line[2:] for line in lines if line.startswith((b"v ", b"v\t"))]
    if not vertices:
        raise Damage("has no vertices (no line that starts with 'v')", "export it again as OBJ")
    points, colors = _vertices(vertices)
    faces = [line[2:] for line in lines if line.startswith((b"f ", b"f\t"))]
    if not faces:
        return Raw(points, colors=colors)
    counts = np.array([len(face.split()) for face in faces], np.int64)
    values = numbers(re.sub(rb"/\S*", b"", b"\n".join(faces)))
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise Damage("has a face whose vertex numbers are not whole numbers")
    if (whole == 0).any():
        raise Damage("has a face that names vertex 0, and OBJ numbers its vertices from 1", "export it again as OBJ")
    if (whole < 0).any():
        # Minus one is the last vertex before the face, so the position of the face in the file matters.
        seen, before = 0, []
        for line in lines:
            if line.startswith((b"v ", b"v\t")):
                seen += 1
            elif line.startswith((b"f ", b"f\t")):
                before.append(seen)
        relative = np.repeat(np.array(before, np.int64), counts) + whole
        if (relative[whole < 0] < 0).any():
            raise Damage("has a face that counts back beyond the first vertex")
        whole = np.where(whole < 0, relative + 1, whole)
    return Raw(points, triangulate(counts, whole - 1, len(points), 1, points), colors=colors)


def _vertices(rows: list[bytes]) -> tuple[np.ndarray, np.ndarray | None]:
    """Lines 'x y z [w]' or 'x y z r g b' as points and, if all lines have them, colours."""
    values = numbers(b"\n".join(rows))
    width = len(rows[0].split())
    if width >= 3 and len(values) == width * len(rows):
        table = values.reshape(-1, width)
    else:
        split = [row.split() for row in rows]
        narrow = min(len(row) for row in split)
        if narrow < 3:
            number = next(i for i, row in enumerate(split, 1) if len(row) < 3)
            raise Damage(f"has a vertex (number {number}) with fewer than three numbers")
        table = numbers(b"\n".join(b" ".join(row[:3]) for row in split)).reshape(-1, 3)
    return table[:, :3], table[:, 3:6] if table.shape[1] >= 6 else None
