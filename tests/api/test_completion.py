"""The whole of a shape of which one side was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

import toys
from isofield import api, io, render
from isofield.api import PoseSearch, complete, inference, partial, shared_frame
from isofield.errors import InputError
from isofield.evaluate import compare
from isofield.evaluate.distances import chamfer_l2, match
from isofield.evaluate.surface_samples import sample_surface
from isofield.families.series import SERIES
from isofield.types import IDENTITY, Cloud, SdfSamples, Similarity

UNSEEN = [toys.COUNT + 1, toys.COUNT + 2, toys.COUNT + 3]


def chamfer(a, b) -> float:
    """Sum of mean squared distances, x 1000."""
    one, other = (sample_surface(mesh, 4000, np.random.default_rng(seed), "shape") for seed, mesh in enumerate((a, b)))
    return 2000 * chamfer_l2(match(one, other))


def view_of(mesh, azimuth: float = 30.0):
    return render.depth(mesh, render.frame(np.asarray(mesh.vertices), view=(azimuth, 15), size=(96, 96))).view()


def test_what_a_depth_image_tells_agrees_with_the_shape_it_was_taken_of():
    truth = toys.toy(UNSEEN[0])
    samples = partial(view_of(truth), eta=0.01).samples
    exact = toys.distance(truth, samples.points)
    free = samples.free
    assert 0.2 < free.mean() < 0.8
    assert (exact[free] > -0.01).mean() > 0.99  # the space before the surface is empty
    assert np.median(np.abs(exact[~free] - samples.distance[~free])) < 0.003
    near = samples.distance <= 0.01
    assert {*np.unique(samples.distance[~free & near].round(4))} == {np.float32(d) for d in (-0.01, 0.0, 0.01)}
    before = ~free & ~near  # farther before the surface: the distance to all that was seen
    assert before.sum() > 500 and samples.distance[before].min() > 0.015 and samples.distance.max() < 0.1001
    assert np.quantile(np.abs(exact[before] - samples.distance[before]), 0.95) < 0.005
    assert (np.abs(samples.points) <= 1).all()


@pytest.mark.parametrize("number", UNSEEN)
def test_a_half_seen_shape_is_nearer_to_its_truth_than_the_mean_and_than_any_training_shape(toy_space, number):
    truth = toys.toy(number)
    found = complete(toy_space, view_of(truth))[0]
    error = chamfer(found.sdf.mesh(48), truth)
    best = min(chamfer(toys.toy(k), truth) for k in range(toys.COUNT))
    assert error < best
    assert error < 0.25 * chamfer(toy_space.sdf(toy_space.mean).mesh(48), truth)


@pytest.mark.slow
def test_a_mesh_with_a_part_missing_and_a_bare_cloud_with_its_sensor(toy_space):
    truth = toys.toy(UNSEEN[0])
    cut = truth.copy()
    cut.update_faces(truth.triangles_center[:, 1] > -0.2)
    whole = complete(toy_space, cut)[0]
    error = chamfer(whole.sdf.mesh(48), truth)
    assert error < min(chamfer(toys.toy(k), truth) for k in range(toys.COUNT))
    assert error < 0.25 * chamfer(toy_space.sdf(toy_space.mean).mesh(48), truth)
    view = view_of(truth)
    bare = Cloud(io.cloud_of([view]).points)
    found = complete(toy_space, bare, viewpoint=view.pose[:3, 3].tolist())[0]
    assert found.observed.samples.free.any()
    assert chamfer(found.sdf.mesh(48), truth) < 1.5


def test_samples_agree_where_the_shape_was_seen_and_differ_where_it_was_not(toy_space):
    truth = toys.toy(UNSEEN[1])
    view = view_of(truth)
    found = complete(toy_space, view, samples=8, seed=3)
    assert [one.id for one in found] == ["depth", *(f"depth-{k}" for k in range(1, 8))]
    # The first is the most probable one.
    assert np.array_equal(found[0].code, complete(toy_space, view, seed=3)[0].code)
    seen = io.cloud_of([view]).points
    surface = np.asarray(sample_surface(truth, 4000, np.random.default_rng(0), "truth").points)
    unseen = surface[np.linalg.norm(surface[:, None] - seen[None, ::5], axis=2).min(1) > 0.2]
    assert len(unseen) > 500
    at_seen, at_unseen = (np.stack([one.sdf(x) for one in found[1:]]).std(0).mean() for x in (seen, unseen))
    assert at_unseen > 2.5 * at_seen
    # They differ by about as much as the most probable one is wrong.
    assert 0.4 < at_unseen / np.abs(found[0].sdf(unseen)).mean() < 2.5


def test_a_refined_field_goes_to_what_was_seen_and_stays_the_code_s_elsewhere(toy_space):
    truth = toys.toy(UNSEEN[1])
    view = view_of(truth)
    code, refined = (complete(toy_space, view, refine=refine)[0].sdf for refine in (False, True))
    seen = io.cloud_of([view]).points
    assert np.abs(refined(seen)).mean() < 0.2 * np.abs(code(seen)).mean()
    x = np.asarray(sample_surface(code.mesh(48), 4000, np.random.default_rng(0), "code").points)
    elsewhere = x[np.linalg.norm(x[:, None] - seen[None, ::5], axis=2).min(1) > 0.2]
    assert len(elsewhere) > 500
    assert np.abs(refined(elsewhere) - code(elsewhere)).mean() < 0.0004


def test_a_part_in_its_own_units_needs_its_frame(toy_space):
    truth = toys.toy(UNSEEN[2])
    view = view_of(truth)
    cloud = io.cloud_of([view])
    moved = Cloud(cloud.points / 2 + [3.0, 0, 0], cloud.normals)
    with pytest.raises(InputError, match="is not in the frame of this space"):
        complete(toy_space, moved)
    found = complete(toy_space, moved, frame=Similarity((3.0, 0.0, 0.0), 2.0))[0]
    mesh = found.sdf.mesh(48)
    assert np.abs(mesh.bounds.mean(0) - [3, 0, 0]).max() < 0.05  # it comes back in the units of the part
    assert shared_frame(toy_space).scale == pytest.approx(1.0, rel=0.01)  # these shapes were normalised already


@pytest.mark.slow
def test_a_part_is_in_the_units_that_the_training_shapes_share(toy_space):
    """A space of shapes that were normalised as one has their frame by itself; another is asked for by name."""
    frame = Similarity((3.0, 0.0, 0.0), 2.0)
    shapes = [replace(shape, similarity=frame) for shape in toy_space.shapes]
    space = replace(toy_space, shapes=shapes, prepare=replace(toy_space.prepare, normalize="dataset"))
    cloud = io.cloud_of([view_of(toys.toy(UNSEEN[2]))])
    moved = Cloud(cloud.points / 2 + [3.0, 0, 0], cloud.normals)
    (own,), (given,) = complete(space, moved), complete(toy_space, moved, frame=frame)
    assert np.array_equal(own.code, given.code) and own.sdf.similarity == given.sdf.similarity
    (normalised,) = complete(space, cloud, frame=IDENTITY)
    assert np.array_equal(normalised.code, complete(toy_space, cloud)[0].code)


def test_a_part_that_is_turned_is_completed_where_it_stands(toy_space):
    truth = toys.toy(UNSEEN[0])
    cloud = io.cloud_of([view_of(truth), view_of(truth, 150.0)])
    turn = Rotation.from_rotvec([0.1, 0.3, -0.2]).as_matrix()
    cloud = Cloud(cloud.points @ turn.T, np.asarray(cloud.normals) @ turn.T)
    found = complete(toy_space, cloud, pose=PoseSearch(max_rotation=40))[0]
    standing = truth.copy()
    standing.vertices = np.asarray(truth.vertices) @ turn.T
    assert chamfer(found.sdf.mesh(48), standing) < 1.5
    assert found.pose.angle == pytest.approx(np.degrees(np.linalg.norm([0.1, 0.3, -0.2])), abs=6)


def test_out_of_range(toy_space):
    view = view_of(toys.toy(0))
    with pytest.raises(InputError, match=r"eta 0\.5 is out of range"):
        complete(toy_space, view, eta=0.5)
    with pytest.raises(InputError, match="there are no 0 samples"):
        complete(toy_space, view, samples=0)
    with pytest.raises(InputError, match="give three finite numbers"):
        complete(toy_space, Cloud(np.random.default_rng(0).normal(size=(300, 3))), viewpoint=(0, 0))
    assert isinstance(partial(view).samples, SdfSamples)


@pytest.mark.slow
def test_a_half_of_unknown_size_and_position_does_not_collapse(toy_space):
    """Neither --center nor --scale: the search starts from the part's own box, and its scale is bounded."""
    truth = toys.toy(UNSEEN[2])
    turn = Rotation.from_rotvec([0.18, 0.19, 0.14]).as_matrix()
    half = truth.copy()
    half.update_faces(truth.triangles_center[:, 1] > 0)
    half.remove_unreferenced_vertices()
    half.vertices = 5 * half.vertices @ turn.T + [40, 0, 7]
    found = complete(toy_space, half, pose=PoseSearch(scale=True, max_rotation=40))[0]
    assert found.pose.scale * found.observed.similarity.scale * 5 == pytest.approx(1.0, rel=0.1)
    back = found.sdf.mesh(48)
    back.vertices = (np.asarray(back.vertices) - [40, 0, 7]) / 5 @ turn
    assert chamfer(back, truth) < 3
    assert found.explained > 0.9 and not found.poor


def test_a_shape_of_another_kind_is_said_to_fit_poorly():
    space = api.load_run("aircraft")
    cube = api.infer(space, trimesh.creation.box())
    assert cube.loss > 5 * cube.expected > 0 and cube.poor
    family = SERIES["aircraft"]
    assert not api.infer(space, family.build(**family.parameters(np.random.default_rng(12_345)))).poor


def test_samples_of_a_decoder_are_refused_before_any_search(monkeypatch):
    space = api.load_run("aircraft-mlp")
    monkeypatch.setattr("isofield.api.completion.partial", None)
    with pytest.raises(InputError, match="a deepsdf space has no posterior to draw samples from"):
        complete(space, "part.ply", samples=2, pose=PoseSearch())


def test_a_field_that_is_hardly_learned_explains_nothing(toy_space):
    """Its values are small everywhere, and so is its gradient: a small value is not a near surface."""

    class Weak(torch.nn.Module):
        def forward(self, x):
            return 0.01 * (x.norm(dim=-1) - 0.1)

    observed = api.observe(toys.toy(UNSEEN[0]), toy_space.prepare)
    sdf = toy_space.field_of(Weak(), observed.similarity, observed.surface, {})
    assert inference.explained(sdf, observed) < 0.1


def test_arrays_and_names_in_place_of_shapes_and_spaces(toy_space):
    truth = toys.toy(UNSEEN[0])
    points = np.asarray(trimesh.sample.sample_surface(truth, 3000, seed=0)[0])
    (found,) = complete(toy_space, points)
    assert found.explained > 0.9
    assert repr(found).startswith("InferenceResult(id='array', loss=")
    for call in (lambda: api.infer("aircraft", truth), lambda: complete("aircraft", truth)):
        with pytest.raises(InputError, match=r"a str is not a space: isofield.load\('aircraft'\) gives one."):
            call()
    scores = compare(points, truth)
    assert scores["completeness"] < 0.02 and scores["iou"] is None
