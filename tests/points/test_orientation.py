"""Orientation along a spanning tree, the signs of pieces, and signs made consistent."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.points import orient
from isofield.points.enclosure import enclosure
from isofield.points.local_pca import neighbourhoods
from isofield.points.openness import openness
from isofield.points.orientation import (
    Tree,
    agreement,
    flip_patches,
    piece_signs,
    propagate_signs,
    sensor_votes,
    spanning_tree,
)

COUNT = 4000


def sphere(count: int = COUNT, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def hills(count: int = COUNT, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of z = sin(3 x) cos(2 y) / 4, and their upward normals."""
    x, y = np.random.default_rng(seed).uniform(-2, 2, (2, count))
    slope = np.stack([-0.75 * np.cos(3 * x) * np.cos(2 * y), 0.5 * np.sin(3 * x) * np.sin(2 * y), np.ones(count)], 1)
    points = np.stack([x, y, np.sin(3 * x) * np.cos(2 * y) / 4], 1)
    return points, slope / np.linalg.norm(slope, axis=1, keepdims=True)


def tree_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, Tree]:
    near = neighbourhoods(points)
    pull = agreement(points, near.normals, near.index, near.distance)
    areas = np.pi * near.distance[:, 10] ** 2 / 10
    return near.normals, areas, spanning_tree(near.normals, near.index[:, 1:13], pull)


def test_signs_are_consistent_on_a_sphere() -> None:
    points = sphere()
    normals, _, tree = tree_of(points)
    outward = (normals * tree.signs[:, None] * points).sum(1)
    assert abs(np.sign(outward).sum()) == COUNT  # all outward, or all inward
    assert tree.energy < 1e-6 and tree.piece.max() == 0


def test_two_spheres_are_two_pieces_and_both_look_outward() -> None:
    points = np.concatenate([sphere(), 0.5 * sphere(seed=1) + [4, 0, 0]])
    normals, areas, tree = tree_of(points)
    signs = tree.signs * piece_signs(points, normals * tree.signs[:, None], areas, tree.piece)
    centre = np.where(np.arange(2 * COUNT)[:, None] < COUNT, 0, [4, 0, 0])
    assert tree.piece.max() == 1
    assert ((normals * signs[:, None] * (points - centre)).sum(1) > 0).all()


@pytest.mark.parametrize("inner", [COUNT, 2 * COUNT])
def test_the_wall_of_a_cavity_looks_into_it_however_dense_it_is(inner: int) -> None:
    points = np.concatenate([2 * sphere(), 0.7 * sphere(inner, seed=1)])
    normals, areas, tree = tree_of(points)
    signs = tree.signs * piece_signs(points, normals * tree.signs[:, None], areas, tree.piece)
    outward = (normals * signs[:, None] * points).sum(1) > 0
    assert outward[:COUNT].all() and not outward[COUNT:].any()


def test_an_open_surface_looks_upward_without_sensors_and_towards_them_with() -> None:
    points, up = hills()
    inner = (np.abs(points[:, :2]) < 1.8).all(1)
    below = np.tile([0.0, 0.0, -9.0], (COUNT, 1))
    for sensors, sign in ((None, 1), (below, -1), (np.full((COUNT, 3), np.nan), 1)):
        oriented = orient(points, sensors=sensors, encloses=False)
        assert (sign * (oriented.normals * up).sum(1)[inner] > 0.8).mean() > 0.99


def test_closed_parts_of_an_open_scene_look_outward_across_a_gap() -> None:
    body, head = sphere(6000), 0.5 * sphere(1500, seed=1) + [0, 0, 1.55]
    ground = np.c_[np.random.default_rng(2).uniform(-4, 4, (8000, 2)), np.full(8000, -1.5)]
    oriented = orient(np.concatenate([body, head, ground]), encloses=False)
    for rows, middle in ((slice(0, 6000), [0, 0, 0]), (slice(6000, 7500), [0, 0, 1.55])):
        outward = np.einsum("nd,nd->n", oriented.points[rows] - middle, oriented.normals[rows]) > 0
        assert outward.mean() > 0.99
    assert (oriented.normals[7500:, 2] > 0).mean() > 0.99


def test_one_known_sensor_decides_for_its_piece() -> None:
    points, up = hills()
    sensors = np.full((COUNT, 3), np.nan)
    sensors[:40] = 0, 0, -9
    oriented = orient(points, sensors=sensors, encloses=False)
    assert ((oriented.normals * up).sum(1) < 0).mean() > 0.97


def test_trusted_normals_stay() -> None:
    points, up = hills()
    turned = np.where(points[:, :1] < 0, -up, up)  # no orientation that the points would suggest
    assert np.allclose(orient(points, turned, trusted=True).normals, turned, atol=1e-12)


def test_orientation_does_not_depend_on_rigid_motion_and_unit() -> None:
    points = sphere()
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    one = orient(points).normals
    two = orient(1000 * points @ rotation.T + [5e4, -3e4, 7]).normals
    assert ((one @ rotation.T) * two).sum(1).min() > 0.999


def test_votes_of_sensors_are_cosines() -> None:
    points, normals = np.zeros((4, 3)), np.tile([0.0, 0.0, 1.0], (4, 1))
    sensors = np.array([[0, 0, 2.0], [3, 0, -4], [1, 0, 0.01], [np.nan] * 3])
    assert sensor_votes(points, normals, sensors) == pytest.approx([1, -0.8, 0, 0])


@pytest.mark.parametrize(("inward", "level"), [(1, 0.5), (-1, -0.5)])
def test_enclosure_is_a_half_on_a_closed_surface(inward: int, level: float) -> None:
    points = sphere()
    areas = np.full(COUNT, 4 * np.pi / COUNT)
    assert np.median(enclosure(points, inward * points, areas, np.arange(COUNT))) == pytest.approx(level, abs=0.05)


def test_closed_and_open_surfaces_are_told_apart() -> None:
    ball, terrain = sphere(), hills()[0]
    half = ball[ball[:, 2] < 0]
    most = ball[ball[:, 2] < 0.9]  # a scan with a hole
    inside = np.zeros_like(ball)
    assert not openness(ball).open and not openness(most).open
    assert openness(terrain).open and openness(half).open
    room = openness(ball, inside)
    assert room.open and "room" in room.reason
    assert openness(ball).level == pytest.approx(0.5, abs=0.05)
    assert openness(terrain).level == pytest.approx(0, abs=0.1)


def test_an_object_on_a_wide_plane_is_an_open_surface() -> None:
    ball = sphere()
    disc = np.random.default_rng(3).uniform(-3, 3, (COUNT // 2, 3)) * [1, 1, 0] - [0, 0, 1.1]
    shown = openness(np.concatenate([ball, disc]))
    assert shown.open and shown.level > 0.35 and "area" in shown.reason
    narrow = disc * [0.15, 0.15, 1]
    assert not openness(np.concatenate([ball, narrow])).open


def test_both_sides_of_a_plate_are_no_open_surface() -> None:
    flat = np.random.default_rng(0).uniform(-1, 1, (2 * COUNT, 3))
    flat[:, 2] = np.where(np.arange(2 * COUNT) < COUNT, 0.02, -0.02)
    assert not openness(flat).open


def test_neighbours_outvote_a_few_wrong_sides(torus):
    cloud = torus(1500)
    near = neighbourhoods(cloud.points)
    random = np.random.default_rng(4)
    votes = np.where(random.random(1500) < 0.1, -0.3, 0.8)
    pull = agreement(cloud.points, cloud.normals, near.index, near.distance)
    sides = propagate_signs(near.index[:, 1:13], pull, votes)
    assert set(np.unique(sides)) <= {-1.0, 1.0}
    assert (sides > 0).mean() > 0.999


def grid_neighbours(side: int, first: int) -> np.ndarray:
    """(side^2, 12): neighbours of each place of a square grid that closes to a torus, numbered from `first`."""
    row, column = np.divmod(np.arange(side**2), side)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j] + [(0, 2), (0, -2), (2, 0), (-2, 0)]
    return first + np.stack([(row + i) % side * side + (column + j) % side for i, j in steps], 1)


def test_patches_turn_and_whole_bodies_do_not():
    """Two bodies that a few edges connect, of opposite opinion; a patch of the smaller one is wrong."""
    large, small = 40, 20
    near = np.concatenate([grid_neighbours(large, 0), grid_neighbours(small, large**2)])
    weight = np.full(near.shape, 1 / 12)
    bridge = np.arange(3)
    near[large**2 + bridge, 0], weight[large**2 + bridge, 0] = bridge, -1 / 12
    near[bridge, 0], weight[bridge, 0] = large**2 + bridge, -1 / 12
    right = np.ones(len(near))
    row, column = np.divmod(np.arange(small**2), small)
    patch = np.zeros(len(near), bool)
    patch[large**2 :] = (np.abs(row - 10) < 3) & (np.abs(column - 10) < 3)
    assert np.array_equal(flip_patches(np.where(patch, -right, right), near, weight), right)
    assert np.array_equal(flip_patches(right, near, weight), right)
