"""The floor below a scanned shape: found by what faces the shape from below all of it, whatever is up."""

import numpy as np
import pytest
import trimesh

from isofield.points import floor, without_floor
from isofield.types import Cloud

NOISE = 0.002


def box(random: np.random.Generator, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) on the surface of a box from 0 to 1 with their outward normals, without its base."""
    face = random.integers(1, 6, count)  # 0 would be the base
    points, normals = random.random((count, 3)), np.zeros((count, 3))
    axis, side = np.array([2, 0, 0, 1, 1, 2])[face], np.array([0, 0, 1, 0, 1, 1])[face]
    rows = np.arange(count)
    points[rows, axis] = side
    normals[rows, axis] = 2.0 * side - 1
    return points, normals


def ground(random: np.random.Generator, count: int, width: float, middle: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Points of a floor of this half width around the box, or in part, and their normals: up."""
    points = np.column_stack([middle + width * random.uniform(-1, 1, (count, 2)), np.zeros(count)])
    return points, np.tile([0.0, 0, 1], (count, 1))


def turned(random: np.random.Generator) -> np.ndarray:
    """Any rotation (3, 3)."""
    q, r = np.linalg.qr(random.standard_normal((3, 3)))
    return q * np.sign(np.diag(r)) * np.sign(np.linalg.det(q * np.sign(np.diag(r))))


@pytest.mark.parametrize(("count", "width", "middle"), [(80, 0.15, 1.3), (800, 0.8, 0.5), (2400, 1.2, 0.5)])
def test_a_floor_is_found_in_any_orientation(count, width, middle):
    random = np.random.default_rng(0)
    (x, n), (y, m) = box(random), ground(random, count, width, middle)
    q = turned(random)
    points, normals = np.concatenate([x, y]) @ q.T, np.concatenate([n, m]) @ q.T
    points += NOISE * random.standard_normal(points.shape)
    found = floor(points, normals, 5 * NOISE)
    assert found[len(x) :].mean() > 0.99
    assert found[: len(x)].mean() < 0.01  # the lowest points of its walls


def test_the_base_of_a_shape_is_not_a_floor():
    """It faces away from the shape."""
    random = np.random.default_rng(0)
    (x, n), (y, m) = box(random), ground(random, 800, 0.5)
    points = np.concatenate([x, y]) + NOISE * random.standard_normal((len(x) + len(y), 3))
    assert not floor(points, np.concatenate([n, -m]), 5 * NOISE).any()
    assert not floor(x, n, 5 * NOISE).any()


def test_reversed_normals_find_nothing():
    """The base of a box that is inside out looks like a floor; the rest of it does not face outward."""
    random = np.random.default_rng(0)
    (x, n), (y, m) = box(random), ground(random, 800, 0.5)
    assert not floor(np.concatenate([x, y]), np.concatenate([-n, m]), 5 * NOISE).any()


def test_a_few_strays_below_do_not_hide_it():
    random = np.random.default_rng(0)
    (x, n), (y, m) = box(random), ground(random, 800, 1.0)
    strays = np.array([[0.5, 0.5, -0.3], [0.2, 0.9, -0.5]])
    points, normals = np.concatenate([x, y, strays]), np.concatenate([n, m, m[:2]])
    assert floor(points, normals, 5 * NOISE)[len(x) :].all()


def test_flat_and_few_points_have_none():
    random = np.random.default_rng(0)
    points, normals = ground(random, 500, 1.0)
    assert not floor(points, normals, 0.01).any()  # nothing stands on it
    assert not floor(points[:20], normals[:20], 0.01).any()


@pytest.mark.parametrize("normals", [True, False])
def test_a_scan_without_its_floor_with_and_without_normals(normals):
    """In other units, turned; nothing was measured below the box; the values of the points stay with them."""
    random = np.random.default_rng(0)
    (x, n), (y, m) = box(random, 6000), ground(random, 4000, 0.9)
    seen = (np.abs(y - 0.5) > 0.5)[:, :2].any(1)
    y, m = y[seen][:2400], m[seen][:2400]
    q = turned(random)
    points = 1000 * (np.concatenate([x, y]) + NOISE * random.standard_normal((8400, 3))) @ q.T + 5000
    given = Cloud(points, np.concatenate([n, m]) @ q.T if normals else None, attributes={"row": np.arange(8400.0)})
    left, share = without_floor(given)
    kept = left.attributes["row"].astype(int)
    assert np.array_equal(left.points, points[kept]) and share == pytest.approx(1 - len(kept) / 8400)
    assert (kept >= 6000).sum() < 24 and (kept < 6000).sum() > 5900
    assert without_floor(Cloud(left.points, left.normals))[1] < 0.002


def test_a_mesh_without_its_floor():
    """The faces that are left are those of the ball."""
    ball = trimesh.creation.icosphere(3)
    ball.apply_translation([0, 0, 1.1])
    plane = trimesh.Trimesh([(-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 0)], [(0, 1, 2), (0, 2, 3)])
    for _ in range(4):
        plane = plane.subdivide()
    left, share = without_floor(trimesh.util.concatenate([ball, plane]))
    assert share == pytest.approx(512 / 1792) and np.allclose(np.sort(left.area_faces), np.sort(ball.area_faces))
    assert without_floor(ball) == (ball, 0)
