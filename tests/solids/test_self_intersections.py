"""Which faces meet others, against pairs that are known."""

import igl
import numpy as np
import pytest
import trimesh

from isofield.solids.self_intersections import crossed

BOX, BALL = trimesh.creation.box((1, 1, 1)), trimesh.creation.icosphere(3)


def one(*meshes: trimesh.Trimesh, parts: bool = False):
    """Vertices, faces and parts of meshes, each its own part if `parts`."""
    both = trimesh.util.concatenate(list(meshes))
    number = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes]) * parts
    return np.asarray(both.vertices), np.asarray(both.faces), number


@pytest.mark.parametrize("mesh", [BOX, BALL, trimesh.creation.torus(0.6, 0.2), trimesh.creation.box().subdivide()])
def test_closed_shapes_do_not_meet_themselves(mesh):
    assert not crossed(*one(mesh)).any()
    squeezed = mesh.copy().apply_transform(np.diag([1, 1e-3, 1, 1]))
    assert not crossed(*one(squeezed)).any()


def test_faces_that_cross_are_found_within_a_part_alone():
    corner = BOX.copy().apply_translation((0.9, 0.8, 0.7))
    assert 6 <= crossed(*one(BOX, corner)).sum() <= 12
    assert not crossed(*one(BOX, corner, parts=True)).any()


def test_faces_that_touch_count():
    assert crossed(*one(BOX, BOX.copy().apply_translation((1, 0, 0)))).any()
    assert crossed(*one(BOX, BOX.copy().apply_translation((1, 1, 0)))).any()  # along an edge
    assert not crossed(*one(BOX, BOX.copy().apply_translation((1 + 1e-9, 0, 0)))).any()


def test_neighbours_that_are_folded_back_count():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0.2, 1, 0], [0.7, 0.5, 0], [0.5, -1, 0]])
    over, beside = np.array([[0, 1, 2], [1, 0, 3]]), np.array([[0, 1, 2], [1, 0, 4]])
    assert crossed(vertices, over, np.zeros(2, int)).all()
    assert not crossed(vertices, beside, np.zeros(2, int)).any()
    vertices[3, 2] = 1e-4  # nearly
    assert not crossed(vertices, over, np.zeros(2, int)).any()


def test_faces_that_share_a_corner_and_cross_beyond_it():
    vertices = np.array([[0, 0, 0], [1, -1, 0], [1, 1, 0], [1, 0, -1], [1, 0, 1.0], [1, 2, -1], [1, 2, 1]])
    through, past = np.array([[0, 1, 2], [0, 3, 4]]), np.array([[0, 1, 2], [0, 5, 6]])
    assert crossed(vertices, through, np.zeros(2, int)).all()
    assert not crossed(vertices, past, np.zeros(2, int)).any()


def test_no_crossing_of_random_triangles_is_missed():
    """Beside the test of libigl's, pair by pair; of those that are found, nearly all do."""
    random = np.random.default_rng(0)
    corners = random.uniform(-1, 1, (300, 1, 3)) + 0.15 * random.standard_normal((300, 3, 3))
    vertices, faces = corners.reshape(-1, 3), np.arange(900).reshape(-1, 3)
    found = crossed(vertices, faces, np.zeros(300, int))
    true = np.zeros(300, bool)
    for i in range(300):
        for j in range(i):
            args = (np.ascontiguousarray(x[None]) for x in (*corners[i], *corners[j]))
            if igl.tri_tri_intersection_test_3d(*args)[0]:
                true[i] = true[j] = True
    assert 50 < true.sum() < 250
    assert np.array_equal(found, true)
