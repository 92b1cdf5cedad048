"""Unions, intersections, differences, offsets, shells and motions of a sphere whose distances are known."""

import numpy as np
import pytest
import torch

from isofield import api
from isofield.errors import InputError

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0
OFF = 0.02
"""What the grid of the sphere is off near its surface, in the sphere's units."""


def ball_distance(x: np.ndarray, center: np.ndarray = CENTER, radius: float = RADIUS) -> np.ndarray:
    return np.linalg.norm(x - center, axis=1) - radius


@pytest.fixture
def other(ball):
    """The same ball, 5 to the right."""
    pose = np.eye(4)
    pose[0, 3] = 5
    return ball.moved(pose)


@pytest.fixture
def probes():
    return CENTER + [2.5, 0, 0] + np.random.default_rng(0).uniform(-1, 1, (3000, 3)) * [7, 4.5, 4.5]


def test_a_motion_moves_the_distances_and_the_points(ball):
    turn = np.array([[0, -1, 0, 7], [1, 0, 0, -3], [0, 0, 1, 2], [0, 0, 0, 1]], float)
    there = ball.moved(turn)
    center = turn[:3, :3] @ CENTER + turn[:3, 3]
    x = center + np.random.default_rng(1).uniform(-5, 5, (2000, 3))
    assert np.abs(there(x) - ball_distance(x, center))[np.abs(ball_distance(x, center)) < 1].max() < OFF
    back = there.moved(np.linalg.inv(turn))
    home = (x - turn[:3, 3]) @ turn[:3, :3]
    assert np.abs(back(home) - ball(home)).max() < 1e-4
    assert np.abs(np.linalg.norm(there.points - center, axis=1) - RADIUS).max() < OFF
    mesh = there.mesh(64)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 64, rel=0.01)


@pytest.mark.parametrize("operation", ["union", "intersection", "difference"])
def test_set_operations(ball, other, probes, operation):
    made = {"union": ball | other, "intersection": ball & other, "difference": ball - other}[operation]
    one, two = ball_distance(probes), ball_distance(probes, CENTER + np.array([5, 0, 0]))
    inside = {
        "union": (one < 0) | (two < 0),
        "intersection": (one < 0) & (two < 0),
        "difference": (one < 0) & (two > 0),
    }
    clear = (np.abs(one) > 0.1) & (np.abs(two) > 0.1)
    assert np.array_equal(made.contains(probes)[clear], inside[operation][clear])
    # two balls of radius 4 whose centres are 5 apart share two caps of height 1.5: 2 pi h^2 (3 r - h) / 3
    cap, whole = 2 * np.pi * 1.5**2 * (12 - 1.5) / 3, 4 / 3 * np.pi * 64
    volume = {"union": 2 * whole - cap, "intersection": cap, "difference": whole - cap}[operation]
    mesh = made.mesh(96)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(volume, rel=0.02)  # the grid's ball is a little smaller


def test_offsets_and_shells(ball):
    x = CENTER + np.random.default_rng(2).uniform(-6, 6, (3000, 3))
    known = ball_distance(x)
    near = np.abs(known) < 1.5
    assert np.abs(ball.offset(1)(x) - (known - 1))[near].max() < 0.05
    assert np.abs(ball.shell(1)(x) - (np.abs(known) - 0.5))[near].max() < 0.05
    assert ball.offset(1).mesh(64).volume == pytest.approx(4 / 3 * np.pi * 125, rel=0.015)
    wall = ball.shell(1).mesh(96)
    assert wall.is_watertight
    assert wall.body_count == 2
    assert wall.volume == pytest.approx(4 / 3 * np.pi * (4.5**3 - 3.5**3), rel=0.02)


def test_what_is_made_is_saved_and_read(ball, other, probes, tmp_path):
    made = (ball | other).offset(0.5) - ball.shell(1)
    made.save(tmp_path / "made")
    again = api.load(tmp_path / "made")
    assert again.kind == "composite"
    assert np.array_equal(again(probes), made(probes))
    assert np.allclose(again.points, made.points, atol=1e-5)


def test_torch_points_learn_through_what_is_made(ball, other, probes):
    x = torch.tensor(probes[:50], requires_grad=True)
    (ball | other)(x).sum().backward()
    assert np.median(np.abs(np.linalg.norm(x.grad.numpy(), axis=1) - 1)) < 0.03


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda ball: ball & ball.moved(np.eye(4) + 20 * np.eye(4, k=3)), "do not overlap"),
        (lambda ball: ball.moved(np.eye(4) * [[2], [1], [1], [1]]), "not a rigid motion"),
        (lambda ball: ball.moved(np.diag([-1.0, 1, 1, 1])), "not a rigid motion"),
        (lambda ball: ball.moved(np.eye(3)), "not a rigid motion"),
        (lambda ball: ball.offset(float("nan")), "not a length"),
        (lambda ball: ball.shell(0), "greater than 0"),
    ],
)
def test_what_is_no_motion_or_length_is_refused(ball, work, words):
    with pytest.raises(InputError, match=words):
        work(ball)
