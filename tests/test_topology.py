"""Equal points, edges, parts and degenerate faces, on meshes that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from isofield.topology import (
    among,
    areas,
    components,
    degenerate,
    distinct,
    distinct_keys,
    edges_of,
    fans,
    parts,
    proper,
    volumes,
)

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def test_equal_points_keep_the_order_of_the_first():
    first, inverse = distinct(np.array([[2, 0, 0], [1, 0, 0], [2, 0, 0], [-0.0, 1, 0], [0.0, 1, 0], [np.nan, 0, 0]]))
    assert first.tolist() == [0, 1, 3, 5]
    assert inverse.tolist() == [0, 1, 0, 2, 2, 3]


def test_equal_points_are_found_on_lattices_and_at_infinity():
    random = np.random.default_rng(0)
    for points in (random.integers(0, 9, (500, 3)), random.choice([0.0, 0.1, np.inf, -np.inf, 1e308], (200, 3))):
        first, inverse = distinct(points)
        _, wanted, back = np.unique(points, axis=0, return_index=True, return_inverse=True)
        assert first.tolist() == sorted(wanted)
        assert np.array_equal(points[first[inverse]], points)
        assert np.array_equal(first[inverse], wanted[back.ravel()])


def test_keys_are_those_of_numpy():
    random, none = np.random.default_rng(0), np.empty(0, np.int64)
    keys, wanted = np.unique(random.integers(0, 900, 300)), random.integers(-50, 2000, (40, 8))
    assert distinct_keys(wanted).tolist() == np.unique(wanted).tolist()
    assert among(keys, wanted).tolist() == np.isin(keys, wanted).tolist()
    assert among(keys, none).sum() == len(among(none, wanted)) == len(distinct_keys(none)) == 0


def test_a_closed_mesh_has_two_half_edges_at_each_edge():
    edges = edges_of(TETRAHEDRON)
    assert edges.ends.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert (edges.count == 2).all() and len(edges.pairs()) == 6 and not edges.balance().any()
    assert edges_of(np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]])).balance().tolist() == [0, 0, 0, -2, 2, -2]


def test_edges_from_a_vertex_to_itself_are_left_out():
    edges = edges_of(np.array([[0, 1, 1]]))
    assert edges.ends.tolist() == [[0, 1]] and edges.count.tolist() == [2]
    assert len(proper(np.array([[0, 1, 1], [0, 1, 2]]))) == 1


def test_nothing_has_no_edges_and_no_parts():
    none = np.empty((0, 3), np.int64)
    edges = edges_of(none)
    assert len(edges.ends) == len(edges.pairs()) == len(edges.balance()) == len(parts(none)) == 0
    assert len(components(0, none[:, 0], none[:, 1])) == 0


def test_parts_share_a_vertex_and_fans_do_not():
    two = np.concatenate([TETRAHEDRON, TETRAHEDRON + 3])  # they meet in vertex 3
    assert parts(two).tolist() == [0] * 8
    assert parts(np.concatenate([TETRAHEDRON, TETRAHEDRON + 9])).tolist() == [0] * 4 + [1] * 4
    assert fans(two, edges_of(two).pairs()).max() + 1 == 8  # seven vertices, of which one has two fans


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1.0, 1e150])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_degenerate_faces_have_no_area_whatever_the_unit(scale, shift):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1e-6, 0], [np.nan, 0, 0]]) + shift
    faces = np.array([[0, 1, 2], [0, 1, 1], [0, 1, 4], [0, 1, 3]])
    assert degenerate(vertices * scale, faces).tolist() == [True, True, True, False]


def test_area_and_volume_of_a_tetrahedron():
    assert areas(CORNERS, TETRAHEDRON) == pytest.approx([0.5, 0.5, 0.5, np.sqrt(3) / 2])
    assert volumes(CORNERS + 7, TETRAHEDRON, np.zeros(4, int)) == pytest.approx([1 / 6])
    assert volumes(CORNERS, TETRAHEDRON[:, ::-1], np.zeros(4, int)) == pytest.approx([-1 / 6])
