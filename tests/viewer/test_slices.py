"""A plane through a field whose distances are known: a ball of radius 0.5 around (0.1, 0.2, 0.3)."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from isofield.render.slices import Slice, slice_of
from isofield.viewer import slices

CENTER, RADIUS = np.array([0.1, 0.2, 0.3]), 0.5


def distance(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - CENTER, axis=1) - RADIUS


def gradient(points: np.ndarray) -> np.ndarray:
    return (points - CENTER) / np.linalg.norm(points - CENTER, axis=1, keepdims=True)


@pytest.fixture(params=[0, 1, 2])
def cut(request) -> Slice:
    lower, upper = np.array([-1, -0.8, -0.6]), np.array([1.0, 0.9, 0.8])
    return slice_of(distance, lower, upper, request.param, CENTER[request.param] + 0.1, 64)


def test_the_samples_of_a_slice_are_where_its_points_are(cut):
    vertices, faces = slices.plane_of(cut)
    assert np.allclose(distance(vertices), cut.values.ravel())
    assert np.ptp(vertices[:, cut.axis]) == 0 and faces.max() == len(vertices) - 1
    plane = trimesh.Trimesh(vertices, faces, process=False)
    assert plane.area == pytest.approx(np.prod(np.delete(np.ptp(vertices, axis=0), cut.axis)))


def test_the_contour_of_the_surface_is_a_circle(cut):
    every, zero, step = slices.contours(cut, 0.0)
    assert np.abs(distance(zero.reshape(-1, 3))).max() < 2e-3
    length = np.linalg.norm(zero[:, 1] - zero[:, 0], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * np.sqrt(RADIUS**2 - 0.01), rel=0.01)
    values = distance(every.reshape(-1, 3)) / step
    assert np.abs(values - np.rint(values)).max() < 0.05 and np.abs(values).min() > 0.9


def test_arrows_follow_the_gradient_and_do_not_overlap(cut):
    drawn = slices.arrows(cut, gradient)
    moves = drawn[:, 1] - drawn[:, 0]
    unit = moves / np.linalg.norm(moves, axis=1, keepdims=True)
    assert np.allclose(unit, gradient(drawn[:, 0]), atol=1e-6)
    assert np.linalg.norm(moves, axis=1).max() < 4.01 * cut.step.max()
    assert 100 < len(drawn) < 400
    assert len(slices.arrows(cut, np.zeros_like)) == 0


def test_a_cut_mesh_keeps_what_is_behind_the_plane(cut):
    mesh = trimesh.creation.icosphere(3, RADIUS)
    mesh.apply_translation(CENTER)
    toward = np.eye(3)[cut.axis]
    behind, before = slices.cut_off(mesh, cut, toward), slices.cut_off(mesh, cut, -toward)
    assert behind.bounds[1, cut.axis] == pytest.approx(cut.position) == before.bounds[0, cut.axis]
    assert behind.area + before.area == pytest.approx(mesh.area)
    assert behind.area > 1.2 * before.area
