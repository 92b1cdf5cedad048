"""Sides told by the nearest place alone, against the exact winding number."""

import igl
import numpy as np
import pytest
import trimesh

from isofield.kdtree import in_order
from isofield.sampling import training_samples
from isofield.solids.pseudonormal import pseudonormals
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort
from isofield.solids.triangles import closest_on, winding_of

BALL, BOX = trimesh.creation.icosphere(3, 0.5), trimesh.creation.box((0.8, 0.8, 0.8))


def turned(degrees: float, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    return mesh.copy().apply_transform(trimesh.transformations.rotation_matrix(np.radians(degrees), (1, 2, 3)))


def hollow() -> trimesh.Trimesh:
    inner = BALL.copy().apply_scale(0.5)
    inner.invert()
    return trimesh.util.concatenate([BALL, inner])


def crossing() -> trimesh.Trimesh:
    """A tube along a figure of eight, through itself in the middle: one part, its winding number up to 2."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    path = 0.7 * np.stack([np.sin(t), np.sin(t) * np.cos(t), 0.02 * np.cos(t)], 1)
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0, 0, 1])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.cos(around)[:, None, None] * side + np.sin(around)[:, None, None] * np.cross(along, side)
    vertices = (path + 0.1 * ring).transpose(1, 0, 2).reshape(-1, 3)  # (64, 12)
    i, j = (a.reshape(-1) for a in np.mgrid[:64, :12])
    a, b, c, d = (12 * ((i + p) % 64) + (j + q) % 12 for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return trimesh.Trimesh(vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]), process=False)


def knife() -> trimesh.Trimesh:
    """Faces that meet at a thousandth of a radian."""
    return trimesh.convex.convex_hull([[-1, 0, 0], [1, 0, 5e-4], [1, 0, -5e-4], [0.5, 0.5, 0], [0.3, -0.4, 2e-4]])


SHAPES = {
    "ball": [BALL],
    "box": [turned(20, BOX)],
    "torus": [trimesh.creation.torus(0.6, 0.2, 24, 12)],
    "hollow": [hollow()],
    "overlap": [BOX, turned(30, BOX).apply_translation((0.3, 0.2, 0.1))],
    "touch": [BOX, BOX.copy().apply_translation((0.8, 0, 0))],
    "crossing": [crossing()],
    "knife": [knife()],
    "cone": [trimesh.creation.cone(0.02, 1.5, sections=9)],
    "within": [BOX, BALL.copy().apply_scale(0.3)],
    "ring": [trimesh.creation.annulus(0.3, 0.6, 0.4), BALL.copy().apply_scale(0.5)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_signs_are_those_of_the_winding_number(name):
    """Everywhere farther than a millionth: anywhere, near the surface, and off its corners and edges."""
    both = trimesh.util.concatenate(SHAPES[name])
    found = sort(np.asarray(both.vertices), np.asarray(both.faces))
    random = np.random.default_rng(0)
    points, _ = training_samples.surface(found.vertices, found.solid, 6000, random)
    starts = np.concatenate([points, found.vertices[random.integers(len(found.vertices), size=3000)]])
    offset = random.choice([1e-5, 1e-3, 0.03, 0.2], (len(starts), 1)) * random.standard_normal(starts.shape)
    x = np.concatenate([random.uniform(-1, 1, (3000, 3)), starts + offset])
    value = signed_distance(found, 0)(x)
    true = igl.winding_number(found.vertices, found.solid, x) > 0.5
    clear = np.abs(value) > 1e-6
    assert np.array_equal((value < 0)[clear], true[clear])
    assert 0 < true.mean() < 1


@pytest.mark.parametrize(("name", "least"), [("ball", 0.999), ("torus", 0.999), ("overlap", 0.7), ("crossing", 0.8)])
def test_most_is_told_without_the_winding_number(name, least):
    both = trimesh.util.concatenate(SHAPES[name])
    found = sort(np.asarray(both.vertices), np.asarray(both.faces))
    told = pseudonormals(found.vertices, found.solid, found.part)
    closest = closest_on(found.vertices, found.solid)

    def side(x: np.ndarray) -> np.ndarray:
        _, face, nearest = closest(x)
        return told.inside(x, face, nearest, winding_of(found.vertices, found.solid))

    points, _ = training_samples.surface(found.vertices, found.solid, 20_000, np.random.default_rng(0))
    assert (in_order(side, points + np.random.default_rng(1).normal(0, 0.05, points.shape)) >= 0).mean() > least


def test_open_surfaces_and_doubled_faces_tell_nothing():
    vertices, faces = np.asarray(BALL.vertices), np.asarray(BALL.faces)
    assert pseudonormals(vertices, faces[1:], np.zeros(len(faces) - 1, int)) is None
    doubled = np.concatenate([faces, faces])
    told = pseudonormals(vertices, doubled, np.zeros(len(doubled), int))
    x = np.random.default_rng(0).normal(0, 0.5, (500, 3))
    _, face, nearest = closest_on(vertices, doubled)(x)
    assert (told.inside(x, face, nearest, winding_of(vertices, doubled)) == -1).all()


def test_most_is_told_around_an_edge_of_four_faces():
    """Two boxes that share an edge, as one part."""
    both = trimesh.util.concatenate([BOX, BOX.copy().apply_translation((0.8, 0.8, 0))])
    both.merge_vertices()
    vertices, faces = np.asarray(both.vertices), np.asarray(both.faces)
    told = pseudonormals(vertices, faces, np.zeros(len(faces), int))
    assert not told.simple.any()
    x = np.random.default_rng(0).uniform(-0.8, 1.6, (5000, 3))
    _, face, nearest = closest_on(vertices, faces)(x)
    side = told.inside(x, face, nearest, winding_of(vertices, faces))
    true = igl.winding_number(vertices, faces, x) > 0.5
    assert np.array_equal(side[side >= 0] == 1, true[side >= 0])
    assert (side >= 0).mean() > 0.99


def test_a_corner_of_two_fans_is_not_certain():
    """Two tetrahedra, tip to tip, as one part."""
    low = np.array([[0, 0, 0], [1, 0, -1], [-0.5, 0.8, -1], [-0.5, -0.8, -1.0]])
    vertices = np.concatenate([low, -low[1:]])
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [3, 2, 1], [0, 5, 4], [0, 6, 5], [0, 4, 6], [4, 5, 6]])
    told = pseudonormals(vertices, faces, np.zeros(8, int))
    assert not told.corner[faces == 0].any()
    assert told.corner[faces != 0].any(axis=1).all()
