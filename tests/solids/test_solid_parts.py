"""Which triangles enclose a volume, on shapes whose answer is known."""

import numpy as np
import pytest
import trimesh

from isofield.solids.solid_parts import sort
from isofield.solids.solid_parts import volume as enclosed
from isofield.solids.union import outer

BOX = trimesh.creation.box((1, 1, 1))
BALL = trimesh.creation.icosphere(3)


def sorted_(*meshes: trimesh.Trimesh):
    both = trimesh.util.concatenate(list(meshes))
    return sort(np.asarray(both.vertices), np.asarray(both.faces))


def volume(solids) -> float:
    return enclosed(solids.vertices, solids.solid)


def test_a_closed_mesh_is_one_solid_part():
    found = sorted_(BALL)
    assert (found.parts, found.dropped, found.turned) == (1, 0, 0)
    assert (len(found.solid), len(found.sheet)) == (len(BALL.faces), 0)


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_faces_are_turned_outward(share):
    turned = np.random.default_rng(0).random(len(BALL.faces)) < share
    faces = np.where(turned[:, None], BALL.faces[:, ::-1], BALL.faces)
    found = sort(np.asarray(BALL.vertices), faces)
    assert volume(found) == pytest.approx(BALL.volume)
    assert found.turned == turned.sum()


def test_a_small_hole_leaves_a_solid_and_a_large_one_a_sheet():
    """A cap of half the ball's radius has 3 % of its area; the membrane of the open half ball has 50 %."""
    centers = BALL.triangles_center
    small, half = BALL.faces[centers[:, 2] < 0.95], BALL.faces[centers[:, 2] < 0.0]
    vertices = np.asarray(BALL.vertices)
    found = sort(vertices, small)
    assert len(found.sheet) == 0
    assert 0.01 < found.holes < 0.05
    assert len(sort(vertices, half).solid) == 0
    assert sort(vertices, half).sheets == 1


def test_degenerate_and_repeated_faces_are_dropped():
    faces = np.concatenate([BOX.faces, BOX.faces[:3], [[0, 0, 1]]])
    found = sort(np.asarray(BOX.vertices), faces)
    assert found.dropped == 4
    assert volume(found) == pytest.approx(1)


def test_a_surface_with_both_sides_drawn_counts_once():
    faces = np.concatenate([BALL.faces, BALL.faces[:, ::-1]])
    found = sort(np.asarray(BALL.vertices), faces)
    assert len(found.solid) == len(BALL.faces)
    assert volume(found) == pytest.approx(BALL.volume)


def test_bodies_that_touch_stay_apart():
    """Two boxes with a common wall: edges of four faces, walls of opposite winding."""
    found = sorted_(BOX, BOX.copy().apply_translation((1, 0, 0)))
    assert found.parts == 2
    assert volume(found) == pytest.approx(2)


def test_a_cavity_stays_empty_and_a_body_in_a_body_is_filled():
    inner = trimesh.creation.icosphere(3, 0.5)
    hollow = inner.copy()
    hollow.invert()
    assert volume(sorted_(BALL, hollow)) == pytest.approx(BALL.volume - inner.volume)
    assert volume(sorted_(BALL, inner)) == pytest.approx(BALL.volume + inner.volume)  # overlaps count twice
    both = trimesh.util.concatenate([BALL, hollow])
    both.invert()  # the whole inside out, cavity and all
    assert volume(sorted_(both)) == pytest.approx(BALL.volume - inner.volume)
    apart = hollow.copy().apply_translation((5, 0, 0))
    assert volume(sorted_(BALL, apart)) == pytest.approx(BALL.volume + inner.volume)


def test_a_sheet_beside_a_solid_is_told_apart():
    sheet = trimesh.Trimesh([[3, 0, 0], [4, 0, 0], [4, 1, 0], [3, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    found = sorted_(BOX, sheet)
    assert len(found.sheet) == 2
    assert found.sheets == pytest.approx(1 / 7)


def test_rotation_and_order_change_nothing():
    random = np.random.default_rng(0)
    turn = trimesh.transformations.random_rotation_matrix(random.random(3))
    half = BALL.faces[BALL.triangles_center[:, 2] < 0.95]
    moved = trimesh.transform_points(BALL.vertices, turn) * 3
    one, two = sort(np.asarray(BALL.vertices), half), sort(moved, random.permutation(half))
    assert two.holes == pytest.approx(one.holes, rel=1e-6)
    assert volume(two) == pytest.approx(27 * volume(one), rel=1e-6)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_the_outer_hull_of_two_boxes(shift):
    """Overlapping or touching: their union, but for the growth of 0.05 % of the diagonal on every side."""
    found = sorted_(BOX, BOX.copy().apply_translation((shift, 0, 0)))
    hull, lost = outer(found)
    reach = 0.0005 * np.sqrt((1 + shift) ** 2 + 2)
    assert lost == 0
    assert volume(hull) == pytest.approx((1 + shift + 2 * reach) * (1 + 2 * reach) ** 2, rel=1e-4)
    assert trimesh.Trimesh(hull.vertices, hull.solid).body_count == 1


def bowl(depth: float, sides: int = 16, rings: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """A paraboloid below the unit circle: vertices and faces whose normals point up."""
    around = 2 * np.pi * np.arange(sides) / sides
    circles = [np.stack([r * np.cos(around), r * np.sin(around), 0 * around + depth * (r * r - 1)], 1)
               for r in np.arange(1, rings + 1) / rings]  # fmt: skip
    k, after = np.arange(sides), (np.arange(sides) + 1) % sides
    faces = [np.stack([0 * k, 1 + k, 1 + after], 1)]
    for ring in range(rings - 1):
        near, far = 1 + ring * sides, 1 + (ring + 1) * sides
        faces += [np.stack([near + k, far + k, far + after], 1), np.stack([near + k, far + after, near + after], 1)]
    return np.concatenate([[[0, 0, -depth]], *circles]), np.concatenate(faces)


def test_patches_that_end_where_others_go_on_face_outward_every_time():
    """A hull, a wall within it and a dent, with a common rim: three faces at its edges. Seen from its own middle, the
    dent would face down."""
    (hull, down), (wall, up), (dent, _) = bowl(1.0), bowl(0.6), bowl(0.2)
    vertices = np.concatenate([hull, wall, dent])
    for turned in (up, up[:, ::-1]):
        faces = np.concatenate([down, up + len(hull), turned + 2 * len(hull)])
        first, *others = (sort(vertices, faces) for _ in range(3))
        assert len(first.sheet) == 0
        assert all(np.array_equal(first.solid, other.solid) for other in others)
        a, b, c = (first.vertices[first.solid[:, k]] for k in range(3))
        upward = np.cross(b - a, c - a)[:, 2] > 0
        place = ((a + b + c) / 3)[:, 2] / (1 - np.linalg.norm(((a + b + c) / 3)[:, :2], axis=1) ** 2)
        assert upward[place > -0.4].all()
        assert not upward[place < -0.8].any()
