"""Codes on a map, along principal directions, and combined."""

from __future__ import annotations

import numpy as np

from isofield.viewer import codes


def test_sliders_move_a_code_along_principal_directions_only(toy_space):
    directions = codes.directions_of(toy_space)
    assert len(directions.axes) == codes.DIRECTIONS
    code = toy_space.code("toy/003")
    at = codes.coordinates(toy_space, directions, code)[0]
    assert np.allclose(codes.with_coordinates(toy_space, directions, code, at), code, atol=1e-5)
    wanted = at + [1, 0, 0, -0.5, 0, 0]
    moved = codes.with_coordinates(toy_space, directions, code, wanted)
    assert np.allclose(codes.coordinates(toy_space, directions, moved)[0], wanted, atol=1e-4)
    across = (moved - code) - (moved - code) @ directions.axes.T @ directions.axes
    assert np.abs(across).max() < 1e-4 * np.abs(moved - code).max()


def test_training_codes_have_deviation_one_and_fill_the_map(toy_space):
    directions = codes.directions_of(toy_space)
    every = codes.coordinates(toy_space, directions, toy_space.codes)
    assert np.allclose(every.std(0, ddof=1), 1, atol=1e-4) and np.allclose(every.mean(0), 0, atol=1e-4)
    places = codes.map_of(toy_space, toy_space.codes)
    assert np.abs(places).max() == 1.0 and places.shape == (30, 2)
    assert np.allclose(codes.map_of(toy_space, toy_space.mean), 0, atol=1e-6)


def test_combinations(toy_space):
    a, b, c = (toy_space.code(f"toy/00{k}") for k in range(3))
    assert np.allclose(codes.combined(a, b, a, 1.0), b, atol=1e-6) and np.array_equal(codes.combined(a, b, a, 0.0), a)
    assert np.allclose(codes.combined(a, b, a, 0.5), toy_space.interpolate(a, b, 3)[1], atol=1e-6)
    assert np.allclose(codes.combined(a, b, c, 1.0), a + b - c, atol=1e-6)


def test_a_class_has_one_colour():
    colors = codes.colors_of_labels(["b", "a", "b"]).tolist()
    assert colors[0] == colors[2] == codes.COLORS[1].tolist() and colors[1] == codes.COLORS[0].tolist()
