"""Open surfaces: the mesh ends where the points end, with a smooth border; small holes stay closed."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield import topology
from isofield.points import local_spacing, relative_gap
from isofield.surfaces import check, extract, opened

LIMIT = 1.5


def border_loops(faces: np.ndarray) -> list[np.ndarray]:
    """The closed loops of border vertices of faces (f, 3) whose vertices have one fan each, in the faces' order."""
    edges = topology.edges_of(faces)
    half = edges.order[edges.start[edges.count == 1]]
    tail, head = faces.reshape(-1)[half], faces[:, [1, 2, 0]].reshape(-1)[half]
    after = dict(zip(tail.tolist(), head.tolist(), strict=True))
    loops = []
    while after:
        start, one = after.popitem()
        loop = [start]
        while one != start and one in after:
            loop.append(one)
            one = after.pop(one)
        loops.append(np.array(loop, np.int64))
    return loops


def ball(count: int) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cut(distance, points: np.ndarray, cells: int, close: float = 0.0):
    """The field's mesh, opened by points; and the loops of its border with their lengths, longest first."""
    mesh = extract(distance, np.full(3, -1.3), np.full(3, 1.3), cells).mesh
    spacing = local_spacing(points)
    gap, who = relative_gap(np.asarray(mesh.vertices), points, spacing, 2 * LIMIT)
    count = len(mesh.vertices)
    vertices, faces = opened(mesh.vertices, mesh.faces, gap, LIMIT, LIMIT * spacing[who], np.full(count, close))
    found = trimesh.Trimesh(vertices, faces, process=False)
    loops = sorted((found.vertices[loop] for loop in border_loops(faces)), key=len, reverse=True)
    return found, loops, [float(np.linalg.norm(loop - np.roll(loop, 1, 0), axis=1).sum()) for loop in loops]


def sphere(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x, axis=1) - 1


@pytest.mark.parametrize("cells", [40, 90])
def test_a_hemisphere_ends_near_its_circle_without_a_staircase(cells):
    points = ball(8000)
    points = points[points[:, 2] > 0]
    mesh, loops, lengths = cut(sphere, points, cells)
    spacing = float(np.median(local_spacing(points)))
    assert len(loops) == 1
    assert -2.7 * spacing < loops[0][:, 2].min() and loops[0][:, 2].max() < 0
    assert loops[0][:, 2].std() < 0.4 * spacing
    assert lengths[0] == pytest.approx(2 * np.pi, rel=0.05)
    assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 1).max() < 0.01
    problems = check(mesh).problems
    assert len(problems) == 1 and problems[0].startswith("open")


def test_a_cut_leaves_no_slivers_at_the_border():
    points = ball(8000)
    before = extract(sphere, np.full(3, -1.3), np.full(3, 1.3), 60).mesh
    mesh, _, _ = cut(sphere, points[points[:, 2] > 0], 60)
    border = np.isin(mesh.faces, np.concatenate(border_loops(np.asarray(mesh.faces)))).any(1)
    edges = np.linalg.norm(mesh.triangles - np.roll(mesh.triangles, 1, axis=1), axis=2)
    typical = np.median(before.edges_unique_length)
    assert edges[border].min() > 0.05 * typical


def test_small_holes_stay_closed_and_large_ones_open():
    points = ball(8000)
    small, large = np.arccos(points[:, 2]) < 0.25, np.arccos(points[:, 0]) < 0.6
    points = points[~small & ~large]
    _, loops, _ = cut(sphere, points, 60, close=0.65)
    assert len(loops) == 1 and loops[0][:, 0].mean() > 0.7
    assert len(cut(sphere, points, 60)[1]) == 2
    assert cut(sphere, points, 60, close=3.0)[0].is_watertight


def test_density_may_change_a_hundredfold():
    """A plane, a hundred times denser on one half: one border, around both halves."""
    x = np.random.default_rng(0).random((60_000, 2)) * 2 - 1
    x = x[(x[:, 0] < 0) | (np.random.default_rng(1).random(len(x)) < 0.01)]

    def slab(p: np.ndarray) -> np.ndarray:
        q = np.abs(p - [0, 0, -0.3]) - [1.2, 1.2, 0.3]
        return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)

    mesh, loops, _ = cut(slab, np.c_[x, np.zeros(len(x))], 90)
    assert len(loops) == 1
    assert mesh.bounds[0, 0] == pytest.approx(-1, abs=0.05) and mesh.bounds[1, 0] > 1
    beyond = 1 + LIMIT * np.sqrt(8 / np.pi / 150)  # of the sparse half: the limit around 150 points per area
    assert mesh.area == pytest.approx(2 + 2 * beyond * beyond, rel=0.1)


def test_nothing_is_cut_where_points_are_everywhere():
    mesh, loops, _ = cut(sphere, ball(4000), 40)
    assert not loops and mesh.is_watertight


def test_nothing_is_left_without_points_nearby():
    mesh = extract(sphere, np.full(3, -1.3), np.full(3, 1.3), 20).mesh
    far = np.full(len(mesh.vertices), np.inf)
    assert len(opened(mesh.vertices, mesh.faces, far, 1.0, np.full(len(far), 0.1), 0 * np.ones(len(far)))[1]) == 0
