"""Signs by visibility: exact on closed shapes, whatever the winding of faces and whatever is hidden."""

import numpy as np
import pytest
import trimesh

from isofield import families
from isofield.datasets.views import surrounding_pictures
from isofield.sampling.visibility import Visible, visibility_distance, visible
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort

PIXEL, CLOSE = 2 / 400, np.sqrt(0.005)


def near(mesh: trimesh.Trimesh, count: int = 4000) -> np.ndarray:
    """Points around a mesh, from very near to far, and anywhere."""
    random = np.random.default_rng(0)
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=1)
    offset = random.choice([0.01, 0.0224, 0.0707], (count, 1)) * random.standard_normal((count, 3))
    return np.concatenate([points + offset, random.uniform(-1, 1, (count // 8, 3))])


def seen_of(vertices: np.ndarray, faces: np.ndarray) -> Visible:
    return visible(vertices, faces, surrounding_pictures(vertices, faces))


@pytest.mark.parametrize("name", ["ball", "box", "torus", "knot"])
def test_signs_and_distances_of_closed_shapes(name):
    mesh = {
        "ball": lambda: trimesh.creation.icosphere(3, 0.9),
        "box": lambda: trimesh.creation.box((1.2, 0.6, 0.5)),
        "torus": lambda: trimesh.creation.torus(0.7, 0.2),
        "knot": families.FAMILIES["knot"],
    }[name]()
    vertices = np.asarray(mesh.vertices) * 0.4 / np.abs(mesh.vertices).max()  # small, to be fast
    x = near(trimesh.Trimesh(vertices, mesh.faces, process=False))
    true = signed_distance(sort(vertices, np.asarray(mesh.faces)), 0)(x)
    seen = seen_of(vertices, np.asarray(mesh.faces))
    assert seen.back_pixels == seen.two_sided == 0
    found = visibility_distance(seen, CLOSE)(x)
    known = ~np.isnan(found)
    assert known.mean() > 0.97
    clear = known & (np.abs(true) > PIXEL)
    assert ((found < 0) == (true < 0))[clear].mean() >= 0.999
    assert np.quantile(np.abs(found - true)[clear], 0.9) < 1e-3  # short beside edges: it is that to a plane


def test_it_does_not_matter_how_faces_are_wound():
    ball = trimesh.creation.icosphere(3, 0.3)
    turned = np.random.default_rng(0).random(len(ball.faces)) < 0.4
    faces = np.where(turned[:, None], ball.faces[:, ::-1], ball.faces)
    x = near(ball, 800)
    one, two = (visibility_distance(seen_of(np.asarray(ball.vertices), f), CLOSE)(x) for f in (ball.faces, faces))
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_what_no_camera_sees_is_no_surface():
    """Two boxes that overlap by half: their inner walls, and a ball inside, are nothing."""
    box = trimesh.creation.box((0.8, 0.8, 0.8)).apply_translation((-0.2, 0, 0))
    hidden = trimesh.creation.icosphere(2, 0.15)
    both = trimesh.util.concatenate([box, box.copy().apply_translation((0.4, 0, 0)), hidden])
    x = np.random.default_rng(0).uniform(-0.38, 0.38, (2000, 3)) * [1.5, 1, 1]
    whole = trimesh.creation.box((1.2, 0.8, 0.8))
    true = signed_distance(sort(np.asarray(whole.vertices), np.asarray(whole.faces)), 0)(x)
    raw = signed_distance(sort(np.asarray(both.vertices), np.asarray(both.faces)), 0)(x)
    found = visibility_distance(seen_of(np.asarray(both.vertices), np.asarray(both.faces)), CLOSE)(x)
    known = ~np.isnan(found)
    assert known.mean() > 0.97
    assert np.abs(found - true)[known].max() < PIXEL
    assert np.abs(raw - true).max() > 0.2  # the winding number knows the union, but the distance is to all walls


def test_a_face_with_both_sides_seen_is_counted():
    """One square in the middle: half of the views see its back, and after the first of these all count."""
    square = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    seen = seen_of(square, np.array([[0, 1, 2], [0, 2, 3]]))
    assert seen.two_sided == 1
    assert 0.4 < seen.back_pixels < 1
    assert np.abs(seen.points[:, 2]).max() < 1e-9
    # Cameras on both sides saw the points next to each other, so that their votes differ: no sign is certain.
    random = np.random.default_rng(0)
    x = np.column_stack([random.uniform(-0.4, 0.4, (2000, 2)), random.uniform(0.01, 0.5, 2000)])
    x[::2, 2] *= -1
    assert np.isnan(visibility_distance(seen, CLOSE)(x)).mean() > 0.99
