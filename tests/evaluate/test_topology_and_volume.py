from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.evaluate import compare
from isofield.evaluate.topology import iou, topology


def box(size: float, at: tuple[float, float, float] = (0, 0, 0)) -> trimesh.Trimesh:
    mesh = trimesh.creation.box((size, size, size))
    mesh.apply_translation(at)
    return mesh


def together(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.util.concatenate(meshes)


@pytest.mark.parametrize(
    ("mesh", "components", "genus", "watertight"),
    [
        (trimesh.creation.icosphere(2), 1, 0, True),
        (trimesh.creation.torus(1, 0.3), 1, 1, True),
        (together(box(1), box(1, (3, 0, 0)), trimesh.creation.torus(1, 0.3)), 3, 1, True),
        (trimesh.creation.annulus(0.5, 1, 1), 1, 1, True),
        (trimesh.Trimesh(box(1).vertices, box(1).faces[2:], process=False), 1, None, False),
    ],
)
def test_topology(mesh, components, genus, watertight):
    found = topology(mesh)
    assert (found.components, found.genus, found.watertight) == (components, genus, watertight)
    # The same as a file of single triangles holds it.
    soup = trimesh.Trimesh(mesh.triangles.reshape(-1, 3), np.arange(3 * len(mesh.faces)).reshape(-1, 3), process=False)
    found = topology(soup)
    assert (found.components, found.genus, found.watertight) == (components, genus, watertight)


def test_one_flipped_face_is_watertight_but_not_oriented():
    mesh = box(1)
    mesh.faces[0] = mesh.faces[0][::-1]
    found = topology(mesh)
    assert found.watertight and not found.oriented and found.genus is None
    assert iou(found, topology(box(1)), np.random.default_rng(0)) == (None, "not consistently oriented")


def test_a_collapsed_face_does_not_open_a_mesh():
    mesh = box(1)
    a, b, c = mesh.faces[0]
    vertices = np.vstack([mesh.vertices, mesh.vertices[a]])
    # The edge from a to b gets a face without area between its two neighbours.
    faces = np.vstack([[len(vertices) - 1, b, c], mesh.faces[1:], [a, b, len(vertices) - 1]])
    assert topology(trimesh.Trimesh(vertices, faces, process=False)).watertight


def test_overlapping_parts_count_once():
    # Two cubes that share half of each other.
    parts = together(box(1), box(1, (0.5, 0, 0)))
    union = trimesh.creation.box((1.5, 1, 1))
    union.apply_translation((0.25, 0, 0))
    scores = compare(parts, union, samples=100, floor=False)
    assert scores["iou"] == pytest.approx(1, rel=1e-9)
    assert scores["iou_method"] == "exact"
    # With a cavity besides, no boolean tells the parts from the hole, but winding numbers do.
    hole = box(0.2, (-0.3, 0, 0))
    hole.invert()
    scores = compare(together(parts, hole), union, samples=100, floor=False)
    assert scores["iou"] == pytest.approx(1 - 0.008 / 1.5, abs=0.002)
    assert scores["iou_method"] == "100000 points"


def test_large_meshes_take_points(monkeypatch):
    monkeypatch.setattr("isofield.evaluate.topology.EXACT_FACES", 23)
    scores = compare(box(1), box(1, (0.5, 0, 0)), samples=100, floor=False)
    assert scores["iou"] == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 100_000))
    assert scores["iou_method"] == "100000 points"


def test_cavity_is_outside():
    inner = box(0.5)
    inner.invert()
    scores = compare(together(box(1), inner), box(1), samples=100, floor=False)
    assert scores["iou"] == pytest.approx(1 - 0.125, rel=1e-9)
    assert scores["iou_method"] == "exact"


def test_points_agree_with_the_boolean(monkeypatch):
    """A ball and a torus that cross: first exactly, then, where booleans are not allowed, by points."""
    a, b = topology(trimesh.creation.icosphere(3)), topology(trimesh.creation.torus(0.9, 0.4))
    exact, method = iou(a, b, np.random.default_rng(0))
    assert method == "exact" and exact is not None and 0.2 < exact < 0.8
    monkeypatch.setattr("isofield.evaluate.topology.EXACT_FACES", 0)
    estimate, method = iou(a, b, np.random.default_rng(0))
    assert method == "100000 points"
    # The union fills more than a third of the box around both, so at least 30 000 points count.
    assert estimate == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 30_000))
    assert estimate != exact
