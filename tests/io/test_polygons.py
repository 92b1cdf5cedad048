"""Polygons become triangles that lie inside them."""

import numpy as np
import pytest

from isofield import io

OUTLINE = np.array([[1, 1], [1, 3], [0, 3], [0, 0], [3, 0], [3, 1]])  # an L, counterclockwise
AREA = 5.0


def prism(turn):
    """The corners (12, 3) and polygons of an upright L, whose outline begins at its corner number `turn`."""
    outline = np.roll(OUTLINE, -turn, axis=0)
    points = np.concatenate([np.column_stack([outline, np.full(6, z)]) for z in (0, 2)])
    sides = [[k, (k + 1) % 6, 6 + (k + 1) % 6, 6 + k] for k in range(6)]
    return points, [list(range(5, -1, -1)), list(range(6, 12)), *sides]


@pytest.mark.parametrize("turn", range(6))
@pytest.mark.parametrize("extension", ["obj", "off", "ply"])
def test_concave_polygons_are_split_inside(tmp_path, turn, extension):
    points, polygons = prism(turn)
    vertices = "".join(f"{x} {y} {z}\n" for x, y, z in points)
    faces = "".join(f"{len(face)} {' '.join(map(str, face))}\n" for face in polygons)
    text = {
        "obj": "".join(f"v {line}\n" for line in vertices.splitlines())
        + "".join(f"f {' '.join(str(k + 1) for k in face)}\n" for face in polygons),
        "off": f"OFF\n12 8 0\n{vertices}{faces}",
        "ply": "ply\nformat ascii 1.0\nelement vertex 12\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face 8\nproperty list uchar int vertex_indices\nend_header\n{vertices}{faces}",
    }
    (tmp_path / f"l.{extension}").write_text(text[extension])
    mesh = io.read(tmp_path / f"l.{extension}")
    assert mesh.is_watertight
    assert mesh.area == pytest.approx(2 * AREA + 2 * 12)
    assert mesh.volume == pytest.approx(2 * AREA, rel=1e-9)
