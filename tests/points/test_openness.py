"""What the density of a scan tells: rooms from the inside, and points that belong to no surface."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.api.inputs import of_points
from isofield.points import openness, scattered
from isofield.points.enclosure import unseen_share
from isofield.points.local_pca import local_spacing
from isofield.points.openness import unevenness
from isofield.types import Cloud

HALL = np.array([[-2.0, -2, -1.4], [12, 1.5, 1.6]])
"""Walls of a hall around a scanner at the origin."""


def hall(count: int = 20_000, noise: float = 0.003) -> np.ndarray:
    """What a scanner in a hall measures: evenly by angle, but nothing straight below, nor through an open door."""
    random = np.random.default_rng(0)
    ray = random.normal(size=(count, 3))
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    points = ray * np.where(ray > 0, HALL[1] / ray, HALL[0] / ray).min(1)[:, None]
    return seen(points + random.normal(0, noise, points.shape))


def seen(points: np.ndarray) -> np.ndarray:
    """Those of points (n, 3) that are neither below the scanner nor in the door."""
    below = points[:, 2] < -0.85 * np.linalg.norm(points, axis=1)
    door = (points[:, 1] > 1.45) & (np.abs(points[:, 0] - 1) < 0.8) & (points[:, 2] < 0.7)
    return points[~below & ~door]


def evenly(points: np.ndarray) -> np.ndarray:
    """As many points on the walls of the hall, evenly by area."""
    random = np.random.default_rng(1)
    size = HALL[1] - HALL[0]
    face = random.choice(3, len(points), p=(size.prod() / size) / (size.prod() / size).sum())
    x = HALL[0] + random.random((len(points), 3)) * size
    x[np.arange(len(x)), face] = HALL[random.integers(0, 2, len(x)), face]
    return np.asarray(x)


def tree() -> tuple[np.ndarray, int]:
    """A trunk, and leaves around the ends of it; the number of points of the trunk."""
    random = np.random.default_rng(0)
    turn, height = random.uniform(0, 2 * np.pi, 4000), random.uniform(0, 2, 4000)
    trunk = np.stack([0.1 * np.cos(turn), 0.1 * np.sin(turn), height], 1)
    leaves = np.concatenate(
        [random.normal(place, 0.3, (1500, 3)) for place in ([0.9, 0, 2], [-0.9, 0.3, 2.2], [0, -1, 2])]
    )
    return np.concatenate([trunk, leaves]), len(trunk)


def test_a_room_from_the_inside_is_open_without_sensors() -> None:
    points = hall()
    shown, block = openness(points), openness(evenly(points))
    assert unevenness(local_spacing(points)) > 4 > 2 > unevenness(local_spacing(evenly(points)))
    assert shown.open and "around a sensor" in shown.reason
    assert not block.open


def test_the_density_of_a_scan_is_that_before_it_was_thinned() -> None:
    points = hall()
    even = seen(evenly(points))
    assert not openness(even).open
    assert openness(even, scanned=points).open


def test_noise_wider_than_the_spacing_near_the_scanner_leaves_the_orientation_certain() -> None:
    points = hall(noise=0.1)
    shown = openness(points, scanned=hall())
    assert shown.level > 0.4  # after dense parts were thinned; before, nothing could be decided
    assert scattered(points).mean() < 0.1


def test_the_share_of_a_closing_that_nothing_was_measured_of() -> None:
    x = np.random.default_rng(0).normal(size=(20_000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    area = 4 * np.pi / len(x)

    def share(points: np.ndarray) -> float:
        return unseen_share(points, points, np.full(len(points), area), np.full(len(points), 3 * np.sqrt(area)))

    assert share(x) == 0
    half = x[x @ [0.6, 0.48, 0.64] < 0]  # its lid has a third of the area, and a border that is near the points
    assert 0.2 < share(half) < 1 / 3


def test_an_object_with_a_large_opening_is_open_and_one_with_a_small_one_closed() -> None:
    random = np.random.default_rng(0)
    ball = random.normal(size=(12_000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    box = random.uniform(-1, 1, (12_000, 3))
    face = random.integers(0, 3, len(box))
    box[np.arange(len(box)), face] = random.choice([-1.0, 1], len(box))
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    lid = box[:, 2] == 1
    for points, is_open in (
        (ball[ball @ turn[0] < 0.5], True),  # three quarters of it: a bowl
        (ball[ball @ turn[0] < 0.85], False),
        (ball, False),
        (box[~lid] @ turn, True),
        (box[~lid | (np.abs(box[:, :2]) > 0.5).any(1)] @ turn, False),
    ):
        shown = openness(points + random.normal(0, 0.003, points.shape))
        assert shown.open == is_open
        assert ("would close the surface" in shown.reason) == is_open
    seen_from = np.tile([0.0, 0, 9], (len(ball), 1)) * np.sign(ball[:, 2:])  # from two sides
    for kept, is_open in ((ball[:, 2] < 0.5, True), (ball[:, 2] < 2, False)):
        assert openness(ball[kept], seen_from[kept]).open == is_open


def test_leaves_are_left_out_and_the_trunk_stays() -> None:
    points, trunk = tree()
    loose = scattered(points)
    assert loose[:trunk].mean() < 0.05 and loose[trunk:].mean() > 0.8
    assert openness(points).scattered and not openness(points[:trunk]).scattered
    with pytest.warns(UserWarning, match="as leaves do"):
        shape = of_points(
            Cloud(points), "tree.xyz", "fast", mesh=None, views=(), noise=None, surface="auto", trusted=False
        )
    kept = shape.similarity.invert(shape.observation.points)
    assert (np.hypot(kept[:, 0], kept[:, 1]) < 0.2).mean() > 0.9
    assert 0.9 * trunk < len(kept) < 1.1 * trunk and len(kept) + len(shape.outliers) == len(points)


def test_ground_under_trees_is_open_and_a_ball_beside_leaves_closed() -> None:
    random = np.random.default_rng(0)
    ground = np.c_[random.uniform(-1, 1, (6000, 2)), random.normal(0, 0.003, 6000)]
    crowns = [random.normal(place, 0.12, (500, 3)) for place in ([0.4, 0.3, 0.6], [-0.5, 0.4, 0.7], [0, -0.5, 0.6])]
    scene = openness(np.concatenate([ground, *crowns]))
    assert scene.open and abs(scene.level) < 0.1
    ball = random.normal(size=(6000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    assert not openness(np.concatenate([ball, crowns[0] + [1.5, 0, 0]])).open


def test_a_dense_noisy_patch_of_a_ball_leaves_it_closed() -> None:
    """The orientation is uncertain there, and no point is scattered."""
    random = np.random.default_rng(0)
    ball, patch = (
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in np.split(random.normal(size=(21_000, 3)), [3000])
    )
    patch = patch[patch[:, 2] > 0.8]
    assert not openness(np.concatenate([ball, patch * (1 + random.normal(0, 0.06, (len(patch), 1)))])).open
