"""Unions of real assemblies, beside unions that others made."""

import numpy as np
import pytest
import trimesh

from isofield import io
from isofield.sampling import training_samples
from isofield.solids.signed_distance import signed_distance
from isofield.solids.solid_parts import sort
from isofield.solids.union import outer
from isofield.types import normalization


@pytest.mark.parametrize("name", ["002", "350", "546"])
def test_unions_are_those_of_the_truth(data, name):
    """Slanted slabs (350, 546) among them: within a thousandth of the radius at 99.9 % of the points."""
    mesh, truth = (io.read(data / folder / f"{name}.ply") for folder in ("objects", "objects_truth"))
    space = normalization(np.asarray(mesh.vertices))
    hull, lost = outer(sort(space.apply(mesh.vertices), np.asarray(mesh.faces)))
    assert lost == 0
    known = sort(space.apply(truth.vertices), np.asarray(truth.faces))
    random = np.random.default_rng(0)
    points, _ = training_samples.surface(known.vertices, known.solid, 10_000, random)
    rows = training_samples.signed(signed_distance(known, 0), points, 20_000, (0.005, 0.0005), 47 / 50, random)
    assert (np.abs(signed_distance(hull, 0)(rows[:, :3]) - rows[:, 3]) < 1e-3 / 1.03).mean() >= 0.999


def slab(degrees: float) -> trimesh.Trimesh:
    turn = trimesh.transformations.rotation_matrix(np.radians(degrees), (1, 0.2, 0.1))
    return trimesh.creation.box((1, 2, 0.02)).apply_transform(turn)


@pytest.mark.parametrize("degrees", [0, 30, 60, 75])
def test_a_hull_contains_its_parts_however_they_are_turned(degrees):
    """Growth of the boxes alone would tilt slanted slabs, and move a ring's inner wall inward."""
    ring = trimesh.creation.annulus(0.5, 1, 0.4, sections=32).apply_translation((3, 0, 0))
    both = trimesh.util.concatenate([slab(degrees), ring])
    found = sort(np.asarray(both.vertices), np.asarray(both.faces))
    reach = 0.0005 * np.linalg.norm(both.extents)
    hull, lost = outer(found)
    assert lost == 0
    points, _ = training_samples.surface(found.vertices, found.solid, 5000, np.random.default_rng(0))
    depth = -signed_distance(hull, 0)(np.concatenate([points, found.vertices])) / reach
    assert depth.min() > 0.05
    assert depth.max() < 2


def test_a_needle_and_a_part_without_thickness_stay_whole():
    """Neither grows a spike, and neither keeps the others from their union."""
    needle = trimesh.creation.cone(0.001, 2, sections=5).apply_translation((0, 0, -0.5))
    flat = trimesh.creation.box((1, 1, 1e-9)).apply_translation((0, 0, 0.25))
    both = trimesh.util.concatenate([needle, flat, trimesh.creation.box((0.5, 0.5, 0.5))])
    hull, lost = outer(sort(np.asarray(both.vertices), np.asarray(both.faces)))
    assert lost == 0
    assert len(np.unique(hull.part)) == 1
    reach = 0.0005 * np.linalg.norm(both.extents)
    used = hull.vertices[np.unique(hull.solid)]
    assert np.abs(used.max(0) - both.bounds[1]).max() < 2 * reach
    assert np.abs(used.min(0) - both.bounds[0]).max() < 2 * reach
