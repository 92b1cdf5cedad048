"""Every family: closed, outward, one outer surface, of the genus that it says, thick enough to be measured."""

from __future__ import annotations

import igl
import numpy as np
import pytest
from igl.embree import EmbreeIntersector

from isofield.errors import InputError
from isofield.families import FAMILIES, chain, gear, knot, lattice, plate, sculpture

GENUS = {
    "sculpture": 11,
    "plate": 12,
    "cup": 1,
    "propeller": 1,
    "gyroid": 20,
    "lattice": 28,
    "knot": 1,
    "coil": 0,
    "gear": 7,
}


@pytest.fixture(scope="module")
def meshes():
    return {name: family() for name, family in FAMILIES.items()}


def arrays(mesh):
    return np.array(mesh.vertices), np.array(mesh.faces, np.int64)


@pytest.mark.parametrize("name", FAMILIES)
def test_closed_and_outward(meshes, name):
    mesh = meshes[name]
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.area_faces.min() > 0
    assert 1000 < len(mesh.faces) < 200_000


@pytest.mark.parametrize("name", GENUS)
def test_genus_of_one_component(meshes, name):
    assert meshes[name].body_count == 1
    assert meshes[name].euler_number == 2 - 2 * GENUS[name]


def test_a_chain_has_a_ring_for_each_link(meshes):
    assert meshes["chain"].body_count == 5
    assert all(ring.euler_number == 0 for ring in meshes["chain"].split())
    assert chain(links=3).body_count == 3


@pytest.mark.parametrize("name", FAMILIES)
def test_no_inner_walls(meshes, name):
    """Just outside of the surface the winding number is 0, just inside 1: overlaps and inner walls have others."""
    vertices, faces = arrays(meshes[name])
    random = np.random.default_rng(0)
    mesh = meshes[name]
    face = random.choice(len(faces), 1500, p=mesh.area_faces / mesh.area)
    places, normals = mesh.triangles_center[face], mesh.face_normals[face]
    step = 1e-3 * mesh.scale * normals
    outside = igl.fast_winding_number(vertices, faces, places + step)
    inside = igl.fast_winding_number(vertices, faces, places - step)
    for winding, expected in ((outside, 0), (inside, 1)):
        assert np.abs(winding - np.round(winding)).max() < 0.1
        assert set(np.round(winding)) <= {0, 1}
        assert (np.round(winding) == expected).mean() > 0.995  # a step may cross a sharp edge


@pytest.mark.parametrize("name", FAMILIES)
def test_walls_are_thick_enough(meshes, name):
    """From 600 places straight to the other side: at least 1.2 % of the diagonal, but at sharp edges."""
    vertices, faces = arrays(meshes[name])
    mesh = meshes[name]
    random = np.random.default_rng(1)
    face = random.choice(len(faces), 600, p=mesh.area_faces / mesh.area)
    rays = EmbreeIntersector()
    rays.init(vertices.astype(np.float32), faces.astype(np.int32))
    inward = -mesh.face_normals[face]
    start = mesh.triangles_center[face] + 1e-4 * mesh.scale * inward
    hits = [rays.intersectRay_first(*ray) for ray in zip(np.float32(start), np.float32(inward), strict=True)]
    thickness = np.array([hit[1] for hit in hits])
    assert np.quantile(thickness, 0.06) > 0.012 * mesh.scale


def test_the_same_parameters_give_the_same_mesh():
    first, second = sculpture(edge=0.08, seed=3), sculpture(edge=0.08, seed=3)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    np.testing.assert_array_equal(first.faces, second.faces)
    other = sculpture(edge=0.08, seed=4)
    assert other.is_watertight and other.body_count == 1
    assert other.volume != pytest.approx(first.volume, rel=1e-6)  # the seed moves the relief, by 3e-5 of the volume


def test_the_sculpture_of_the_demo_stays(meshes):
    assert meshes["sculpture"].volume == pytest.approx(2.198255782507298, rel=1e-9)
    assert meshes["sculpture"].area == pytest.approx(32.74572470590418, rel=1e-9)


@pytest.mark.parametrize(("even", "thinnest", "thickest"), [(1.0, 0.09, 0.11), (0.0, 0.0, 0.13)])
def test_an_even_ring_is_as_thick_as_asked_for(even, thinnest, thickest):
    """Straight through the ring, above the neck and away from its border; an uneven one thins toward its hole."""
    mesh = sculpture(edge=0.05, thickness=0.1, wing=0.5, saddles=9, relief=0.0, even=even)
    random = np.random.default_rng(1)
    face = random.choice(len(mesh.faces), 4000, p=mesh.area_faces / mesh.area)
    places, normals = mesh.triangles_center[face], mesh.face_normals[face]
    away = np.hypot(np.hypot(places[:, 0], places[:, 1] - 1.5) - 1, places[:, 2])
    inner = (places[:, 1] > 1) & (away < 0.47)
    vertices, faces = arrays(mesh)
    rays = EmbreeIntersector()
    rays.init(vertices.astype(np.float32), faces.astype(np.int32))
    start, inward = np.float32((places - 1e-3 * normals)[inner]), np.float32(-normals[inner])
    walls = np.array([rays.intersectRay_first(*ray)[1] for ray in zip(start, inward, strict=True)])
    assert len(walls) > 1000
    low, high = np.quantile(walls, [0.02, 0.98])
    assert thinnest < low and high < thickest
    assert (low < 0.06) == (even == 0)


def test_parameters_change_the_topology():
    assert plate(columns=2, rows=1).euler_number == 2 - 2 * 2
    assert lattice(cells=1).euler_number == 2 - 2 * 5
    assert gear(holes=0).euler_number == 0
    assert knot(turns=3, loops=5, radius=0.06).is_watertight


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: plate(thickness=-1), "thickness"),
        (lambda: lattice(cells=0), "cells"),
        (lambda: knot(turns=2, loops=4), "divisor"),
        (lambda: sculpture(saddles=3), "saddles"),
        (lambda: sculpture(wing=0.3), "wing"),
        (lambda: sculpture(steps=0), "steps"),
        (lambda: sculpture(arch=0.5), "arch"),
        (lambda: sculpture(neck=0.05, flute_depth=0, edge=0.1), "neck do not meet"),
    ],
)
def test_bad_parameters_are_named(make, word):
    with pytest.raises(InputError, match=word):
        make()
