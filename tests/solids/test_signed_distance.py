"""Signed distances of triangles against exact ones."""

from dataclasses import replace

import igl
import numpy as np
import pytest
import trimesh

from isofield.configs.preparing import Queries
from isofield.kdtree import in_order, morton_order
from isofield.sampling import training_samples
from isofield.solids.signed_distance import signed_distance, wall_thickness
from isofield.solids.solid_parts import sort
from isofield.solids.triangles import inside_of, nearest_on


def box_distance(x: np.ndarray, half: float = 0.5) -> np.ndarray:
    """Signed distance to the cube of half side `half`, exact."""
    q = np.abs(x) - half
    return np.linalg.norm(q.clip(0), axis=1) + np.minimum(q.max(1), 0)


def solids(*meshes: trimesh.Trimesh):
    both = trimesh.util.concatenate(list(meshes))
    return sort(np.asarray(both.vertices), np.asarray(both.faces))


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(-1, 1, (50_000, 3))


def test_a_cube_is_exact(x):
    assert np.abs(signed_distance(solids(trimesh.creation.box((1, 1, 1))), 0)(x) - box_distance(x)).max() < 1e-12


def test_overlapping_cubes_are_their_union_outside(x):
    two = solids(trimesh.creation.box((1, 1, 1)), trimesh.creation.box((1, 1, 1)).apply_translation((0.3, 0.2, 0)))
    true = np.minimum(box_distance(x), box_distance(x - [0.3, 0.2, 0]))
    found = signed_distance(two, 0)(x)
    assert np.array_equal(found < 0, true < 0)
    assert np.abs(found - true)[true > 0].max() < 1e-12


def test_distances_and_signs_are_those_of_brute_force(x):
    """Every triangle asked in float64, and the exact winding number (a sum of solid angles)."""
    y = x[:2000]
    two = solids(
        trimesh.creation.torus(0.6, 0.2, 20, 10), trimesh.creation.icosphere(1, 0.5).apply_translation((0.3, 0, 0))
    )
    best = np.full(len(y), np.inf)
    for triangle in two.vertices[two.solid]:
        near = trimesh.triangles.closest_point(np.repeat(triangle[None], len(y), 0), y)
        best = np.minimum(best, np.linalg.norm(near - y, axis=1))
    found = signed_distance(two, 0)(y)
    assert np.abs(np.abs(found) - best).max() < 1e-9
    clear = best > 1e-6
    assert np.array_equal((found < 0)[clear], igl.winding_number(two.vertices, two.solid, y)[clear] > 0.5)


def test_walls_are_thin_but_edges_and_tips_are_not_walls():
    slab, tip = trimesh.creation.box((5, 5, 0.1)), trimesh.creation.cone(1, 3)
    assert wall_thickness(slab.vertices, slab.faces) == pytest.approx(0.1, rel=1e-3)
    assert wall_thickness(tip.vertices, tip.faces) > 0.3


def test_no_points_have_no_distances():
    assert signed_distance(solids(trimesh.creation.box()), 0)(np.empty((0, 3))).shape == (0,)


def test_a_sheet_becomes_a_wall(x):
    square = trimesh.Trimesh([[-5, -5, 0], [5, -5, 0], [5, 5, 0], [-5, 5, 0]], [[0, 1, 2], [0, 2, 3]])
    assert np.abs(signed_distance(solids(square), 0.1)(x) - (np.abs(x[:, 2]) - 0.05)).max() < 1e-12
    assert np.abs(signed_distance(solids(square), 0)(x) - np.abs(x[:, 2])).max() < 1e-12
    with pytest.raises(ValueError, match="there are no faces"):
        signed_distance(replace(solids(square), sheet=np.empty((0, 3), np.int64)), 0)


def test_runs_of_neighbours_have_the_signs_of_single_points(x):
    """The sign is asked of one point of each run: it has to be that of all others."""
    knot = solids(trimesh.creation.torus(0.6, 0.02, 96, 16), trimesh.creation.icosphere(3, 0.3))
    near, _ = training_samples.surface(knot.vertices, knot.solid, 50_000, np.random.default_rng(1))
    y = np.concatenate([x, near + np.random.default_rng(2).normal(0, 0.02, near.shape)])
    assert np.array_equal(signed_distance(knot, 0)(y) < 0, inside_of(knot.vertices, knot.solid)(y))


def test_order_changes_no_value(x):
    distance = signed_distance(solids(trimesh.creation.icosphere(3)), 0)
    order = np.random.default_rng(3).permutation(len(x))
    assert np.array_equal(distance(x)[order], distance(x[order]))


def test_morton_neighbours_are_near(x):
    step = np.linalg.norm(np.diff(x[morton_order(x)], axis=0), axis=1)
    assert np.median(step) < 0.1  # 1.3 at random
    assert np.array_equal(in_order(lambda y: y * 2, x), x * 2)


def test_signed_samples_have_their_bands():
    ball = solids(trimesh.creation.icosphere(4, 0.6))
    points, normals = training_samples.surface(ball.vertices, ball.solid, 20_000, np.random.default_rng(0))
    assert np.abs((points * normals).sum(1) - 0.6).max() < 0.01
    distance = signed_distance(ball, 0)
    rows = training_samples.signed(distance, points, 100_000, (0.005, 0.0005), 47 / 50, np.random.default_rng(0))
    assert np.abs(np.linalg.norm(rows[:, :3], axis=1) - 0.6 - rows[:, 3]).max() < 0.003
    # Across the surface the deviations are normal: of two bands, half each, and a few anywhere.
    for limit, share in ((0.0224, 0.5 * 0.683 + 0.5 * 0.249), (0.0707, 0.5 * 0.998 + 0.5 * 0.683)):
        assert (np.abs(rows[:, 3]) < limit).mean() == pytest.approx(share * 47 / 50, abs=0.03)
    assert (np.abs(rows[:50_000, 3]) < 0.02).mean() == pytest.approx((np.abs(rows[50_000:, 3]) < 0.02).mean(), abs=0.01)


def test_unsigned_samples_point_away_from_the_surface():
    ball = trimesh.creation.icosphere(4, 0.6)
    points = np.asarray(ball.vertices)
    rows = training_samples.unsigned(
        nearest_on(np.asarray(ball.triangles)), points, 10_000, 11, 0.3, np.random.default_rng(0)
    )
    x, distance, direction = rows[:, :3], rows[:, 3], rows[:, 4:]
    assert np.abs(np.abs(np.linalg.norm(x, axis=1) - 0.6) - distance).max() < 0.003
    far = distance > 0.02
    radial = x / np.linalg.norm(x, axis=1, keepdims=True) * np.sign(np.linalg.norm(x, axis=1) - 0.6)[:, None]
    assert (radial * direction).sum(1)[far].min() > 0.98


def test_cloud_samples_know_their_nearest_point():
    points = np.random.default_rng(0).normal(size=(500, 3))
    rows = training_samples.cloud(points, 2000, 20, "mixed", np.random.default_rng(1))
    every = np.linalg.norm(rows[:, None, :3] - points[None], axis=2)
    assert np.array_equal(points[every.argmin(1)], rows[:, 3:])


def test_cloud_samples_deviate_as_their_queries_say():
    """On a square of 100 x 100 points a step apart, the twelfth neighbour of an inner point is 2 steps away."""
    x, y = np.meshgrid(np.arange(100.0), np.arange(100.0))
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(10_000)]) / 100
    released, mixed = [0.04] * 5 + [0.02] * 3, [0.02] * 9 + [0.3]
    expectations: tuple[tuple[Queries, list[float]], ...] = (
        ("paper", [0.02]),
        ("released", released),
        ("mixed", mixed),
    )
    for queries, expected in expectations:
        rows = training_samples.cloud(points, 40_000, 24, queries, np.random.default_rng(1))
        measured = rows[:, 2].std()  # across the square
        assert measured == pytest.approx(np.sqrt(np.mean(np.square(expected))), rel=0.03)


def test_occupancy_is_the_volume():
    ball = solids(trimesh.creation.icosphere(4, 0.6))
    rows = training_samples.occupancy(signed_distance(ball, 0), 100_000, 0.1, np.random.default_rng(0))
    assert rows[:, 3].mean() == pytest.approx(4 / 3 * np.pi * 0.6**3 / 2.2**3, abs=0.004)


def test_level_sets_are_balanced_in_every_slice():
    """Of four rows two lie on a torus, one is outside and one inside, with their exact distances."""
    torus = solids(trimesh.creation.torus(0.6, 0.2, 128, 64))
    random = np.random.default_rng(0)
    points, normals = training_samples.surface(torus.vertices, torus.solid, 20_000, random)
    distance = signed_distance(torus, 0)
    on = training_samples.zero_set(distance, points, normals, 0.01, random)
    assert np.array_equal(on, points)
    free = training_samples.signed(distance, points, 40_000, (0.05, 0.0005), 47 / 50, random)
    rows = training_samples.levelset(on, free, 20_000, random)
    assert len(np.unique(rows[::2, :3], axis=0)) == 10_000
    assert not rows[::2, 3].any()
    for start in (0, 4, 1236):
        part = rows[start : start + 400, 3]
        assert ((part == 0).sum(), (part > 0).sum(), (part < 0).sum()) == (200, 100, 100)
    x, y, z, value = rows.T
    true = np.hypot(np.hypot(x, y) - 0.6, z) - 0.2
    assert np.abs(value - true).max() < 2e-3  # of a torus of flat faces
    wide = np.abs(rows[1::4, 3])
    assert 0.3 < (wide > 0.05).mean() < 0.7  # half of the free points deviate by 0.22


def test_level_sets_repeat_what_is_too_few():
    """Few inside: each about as often; none: what is outside stands for it."""
    free = np.array([[0, 0, 0, -1.0], [1, 0, 0, -2.0], *([[2.0, 0, 0, 3.0]] * 50)])
    rows = training_samples.levelset(np.ones((5, 3)), free, 400, np.random.default_rng(0))
    assert ((rows[:, 3] == -1).sum(), (rows[:, 3] == -2).sum(), (rows[:, 3] == 3).sum()) == (50, 50, 100)
    rows = training_samples.levelset(np.ones((5, 3)), free[2:], 400, np.random.default_rng(0))
    assert ((rows[:, 3] == 0).sum(), (rows[:, 3] == 3).sum()) == (200, 200)


def test_level_sets_of_sheets_are_both_sides_of_their_walls():
    """A half tube, inside and outside of it, also at the crease of a roof; not where another body covers the sheet."""
    tube = trimesh.creation.cylinder(0.5, 1, sections=96)
    tube.update_faces((np.abs(tube.face_normals[:, 2]) < 0.5) & (tube.triangles_center[:, 0] > 0))
    roof = trimesh.Trimesh([[-1, -1, 0], [-1, 1, 0], [0, -1, 1], [0, 1, 1], [1, -1, 0], [1, 1, 0]],
                           [[0, 2, 1], [1, 2, 3], [2, 4, 3], [3, 4, 5]])  # fmt: skip
    for sheet, depth in ((tube, lambda x: np.hypot(x[:, 0], x[:, 1]) - 0.5),
                         (roof, lambda x: (np.abs(x[:, 0]) + x[:, 2] - 1) / np.sqrt(2))):  # fmt: skip
        open_ = solids(sheet)
        random = np.random.default_rng(0)
        points, normals = training_samples.surface(open_.vertices, open_.sheet, 4000, random)
        distance = signed_distance(open_, 0.1)
        on = training_samples.zero_set(distance, points, normals, 0.1, random)
        assert np.abs(distance(on)).max() < 1e-6
        assert len(on) > 0.9 * 4000
        assert 0.4 < (depth(on) > 0).mean() < 0.6
    ball = trimesh.creation.icosphere(3, 0.4)
    both = solids(ball, trimesh.Trimesh([[-1, -1, 0], [1, -1, 0], [0, 1, 0]], [[0, 1, 2]]))
    points, normals = training_samples.surface(both.vertices, both.sheet, 4000, np.random.default_rng(0))
    on = training_samples.zero_set(signed_distance(both, 0.1), points, normals, 0.1, np.random.default_rng(0))
    assert 2000 < len(on) < 3500
    assert np.linalg.norm(on, axis=1).min() > 0.39
