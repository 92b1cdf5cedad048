"""Spaces as a thing to use: codes, what lies between them, and folders that come back or are told to be broken."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

import toys
from balls import rows_of
from isofield import api, io
from isofield.api.space import ShapeSpace, TrainingShape
from isofield.configs import FieldNetwork, MetaSdf, PrepareConfig, Schedule, StepSizes, Tasks, Training
from isofield.errors import InputError
from isofield.evaluate.retrieval import chamfer
from isofield.evaluate.surface_samples import sample_surface
from isofield.types import IDENTITY
from trained import shapes_of, trained


def points(mesh):
    return sample_surface(mesh, 3000, np.random.default_rng(0), "toy").points


def test_ids_codes_and_wrong_ones(toy_space):
    assert toy_space.ids[3] == "toy/003"
    assert np.array_equal(toy_space.code("toy/003"), toy_space.codes[3])
    with pytest.raises(InputError, match="no shape called 'toy/0003', perhaps you meant 'toy/0"):
        toy_space.code("toy/0003")
    with pytest.raises(InputError, match="whose codes have"):
        toy_space.sdf(np.zeros(toy_space.length + 1))
    with pytest.raises(InputError, match="finite"):
        toy_space.sdf(np.full(toy_space.length, np.nan))
    with pytest.raises(InputError, match="'toy/003' is not a code: give"):
        toy_space.interpolate("toy/003", toy_space.mean, 3)
    with pytest.raises(InputError, match="whose codes have"):
        toy_space.interpolate(toy_space.mean[:-1], toy_space.mean, 3)


def test_mean_components_and_neighbours_of_codes(toy_space):
    np.testing.assert_allclose(toy_space.mean, toy_space.codes.mean(0), atol=1e-6)
    pca = toy_space.pca(3)
    np.testing.assert_allclose(pca.axes @ pca.axes.T, np.eye(3), atol=1e-5)
    along = (toy_space.codes - toy_space.mean) @ pca.axes.T
    np.testing.assert_allclose(along.std(0, ddof=1), pca.deviations, rtol=1e-4)
    (first, nothing), (second, apart) = toy_space.nearest(toy_space.code("toy/007"), 2)
    assert (first, nothing) == ("toy/007", 0)
    assert apart == pytest.approx(np.linalg.norm(toy_space.code(second) - toy_space.code("toy/007")), rel=1e-5)


def test_between_two_codes_and_new_ones(toy_space):
    a, b = toy_space.code("toy/000"), toy_space.code("toy/001")
    way = toy_space.interpolate(a, b, 5)
    np.testing.assert_allclose(way[[0, 2, 4]], [a, (a + b) / 2, b], atol=1e-5)
    some = toy_space.sample(4, seed=1)
    assert np.array_equal(some[:2], toy_space.sample(2, seed=1))
    assert not np.array_equal(some, toy_space.sample(4, seed=2))
    assert all(mesh.is_watertight for mesh in (toy_space.sdf(code).mesh(32) for code in some))


def test_the_field_of_a_code_is_differentiable_by_it(toy_space):
    code = torch.tensor(toy_space.code("toy/002"), requires_grad=True)
    x = 0.6 * torch.nn.functional.normalize(torch.randn(50, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    field = toy_space.sdf(code)
    assert torch.allclose(field(x), toy_space.sdf(code.detach().numpy())(x), atol=0.01)
    field(x).sum().backward()
    for k in range(3):
        step = 0.1 * torch.eye(len(code))[k]
        ends = [float(toy_space.sdf(code + sign * step)(x).sum().detach()) for sign in (1, -1)]
        assert float(code.grad[k]) == pytest.approx((ends[0] - ends[1]) / 0.2, rel=1e-3, abs=1e-3)
    assert float(code.grad.abs().max()) > 0.1
    with pytest.raises(InputError, match="whose codes have"):
        toy_space.sdf(torch.zeros(toy_space.length + 1, requires_grad=True))


def test_a_training_shape_comes_out_of_its_code(toy_space):
    found = points(toy_space.sdf(toy_space.code("toy/005")).mesh())
    own, other = chamfer(found, points(toys.toy(5))), chamfer(found, points(toys.toy(6)))
    assert own < 2.5
    assert own < 0.3 * other


def test_an_unseen_shape_is_nearer_to_its_truth_than_any_training_shape(toy_space):
    truth = toys.toy(toys.COUNT + 3)
    best = min(chamfer(points(toys.toy(n)), points(truth)) for n in range(toys.COUNT))
    found = api.infer(toy_space, truth)
    refined = api.infer(toy_space, truth, refine=True)
    scores = [chamfer(points(one.sdf.mesh()), points(truth)) for one in (found, refined)]
    assert scores[0] < best
    assert refined.loss < 0.8 * found.loss
    assert found.distance == pytest.approx(toy_space.nearest(found.code, 1)[0][1])
    assert found.neighbour_distance > 0


def test_a_moved_and_scaled_shape_comes_back_in_its_own_units(toy_space):
    mesh = toys.toy(toys.COUNT + 3)
    moved = mesh.copy()
    moved.apply_scale(50).apply_translation([1000, 0, -30])
    there = api.infer(toy_space, moved).sdf.mesh(64)
    here = api.infer(toy_space, mesh).sdf.mesh(64)
    np.testing.assert_allclose(there.bounds, here.bounds * 50 + [1000, 0, -30], atol=0.5)


def test_round_trip(toy_space, tmp_path):
    toy_space.save(tmp_path / "again")
    again = api.load_run(tmp_path / "again")
    assert again.ids == toy_space.ids
    assert (again.config, again.prepare, again.method) == (toy_space.config, toy_space.prepare, toy_space.method)
    assert np.array_equal(again.codes, toy_space.codes)
    x = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    assert np.array_equal(again.sdf(again.mean)(x), toy_space.sdf(toy_space.mean)(x))


def without_tensors(folder):
    (folder / "space.safetensors").unlink()


def cut(folder):
    held = (folder / "space.safetensors").read_bytes()
    (folder / "space.safetensors").write_bytes(held[: len(held) // 2])


def newer(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))


def other_setting(folder):
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["sells"] = 3
    (folder / "config.json").write_text(json.dumps(config))


def fewer_shapes(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "shapes": config["shapes"][:-1]}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (without_tensors, "lacks space.safetensors"),
        (cut, "cannot be read"),
        (newer, "format 99, newer than"),
        (other_setting, "'sells', perhaps you meant 'cells'"),
        (fewer_shapes, "the codes do not match the shapes"),
    ],
)
def test_broken_folders(toy_run, tmp_path, harm, message):
    shutil.copytree(toy_run, tmp_path / "run")
    harm(tmp_path / "run")
    with pytest.raises(InputError, match=message) as error:
        api.load_run(tmp_path / "run")
    assert str(tmp_path / "run") in str(error.value)


def test_what_is_asked_for_is_what_the_folder_holds(toy_run):
    with pytest.raises(InputError, match="holds a space of shapes, not one field"):
        api.load_sdf(toy_run)


@pytest.mark.parametrize(("name", "loss", "most"), [("aircraft", 0.003, 0.6), ("aircraft-mlp", 0.003, 0.6)])
def test_spaces_that_come_with_the_package_know_an_aircraft_that_they_have_not_seen(name, loss, most):
    from isofield.families.series import SERIES
    from isofield.folder_format import SHIPPED

    assert sum(path.stat().st_size for path in (SHIPPED / name).iterdir()) < 3e6
    space = api.load_run(name)
    family = SERIES["aircraft"]
    truth = family.build(**family.parameters(np.random.default_rng(12_345)))
    found = api.infer(space, truth)
    assert found.loss < loss
    assert found.distance < 1.5 * found.neighbour_distance
    pred, true = (found.sdf.similarity.apply(points(mesh)) for mesh in (found.sdf.mesh(), truth))
    assert chamfer(pred, true) < most  # in the unit sphere; the best training shape is about 1.6 away


def test_wings_stay_between_two_aircraft_of_the_network_s_space():
    space = api.load_run("aircraft-mlp")
    ways = space.interpolate(space.code("aircraft/0003"), space.code("aircraft/0120"), 5)
    spans = [float(np.ptp(space.sdf(z).mesh(64).vertices[:, 2])) for z in ways]
    assert min(spans) > 0.9 * min(spans[0], spans[-1])


def test_a_space_s_name_with_a_slip_is_told():
    with pytest.raises(InputError, match="perhaps you meant 'aircraft'"):
        api.load_run("airraft")
    with pytest.raises(InputError, match="there is no folder nowhere: give the folder that"):
        api.load_run("nowhere", "best")
    with pytest.raises(InputError, match="aircraft has no snapshot '40'"):
        api.load_run("aircraft", "40")


def test_a_file_is_read_once(toy_space, tmp_path, monkeypatch):
    read, opened = io.read, []
    monkeypatch.setattr("isofield.io.reading.read", lambda path: opened.append(path) or read(path))
    io.write_mesh(toys.toy(toys.COUNT + 1), tmp_path / "toy.ply")
    assert api.observe(tmp_path / "toy.ply", toy_space.prepare).id == "toy"
    assert api.observe(toys.toy(0).sample(500), toy_space.prepare).id == "array"
    assert len(opened) == 1


@pytest.fixture(scope="module")
def adapted_space():
    """A space of MetaSDF that learned balls."""
    config = MetaSdf(
        FieldNetwork(dims=(32, 32, 32), radius=0.5), StepSizes(2e-2, positive=True), steps=3, infer_steps=3,
        objective="l1", tasks=Tasks(context=128, query=128, infer_context=512),
        training=Training(steps=60, batch=6, clip=1.0, network_rate=Schedule(3e-3, "cosine")),
    )  # fmt: skip
    learned, _ = trained(config, shapes_of([rows_of(radius, 3000) for radius in (0.35, 0.45, 0.55, 0.65, 0.75, 0.85)]))
    named = [TrainingShape("ball", "ball", IDENTITY)]
    return ShapeSpace(
        learned.module.eval(), learned.module.start.detach().numpy()[None], named, "metasdf", config, PrepareConfig()
    )


def test_samples_give_a_field_whose_parameters_are_the_adapted_weights(adapted_space):
    rows = rows_of(0.4, 3000, seed=1)
    field = adapted_space.infer(rows)
    assert np.abs(field(rows[:, :3]) - rows[:, 3])[np.abs(rows[:, 3]) < 0.1].mean() < 0.03
    assert field.module.code.shape == (adapted_space.length,)
    assert not np.array_equal(field.module.code, adapted_space.mean)
    assert np.array_equal(field.module.code, api.infer(adapted_space, rows).code)
    other = adapted_space.infer(torch.from_numpy(rows_of(0.8, 3000, seed=1)))
    between = adapted_space.sdf(adapted_space.interpolate(field.module.code, other.module.code, 3)[1])
    sizes = [float(np.ptp(one.mesh(48).vertices[:, 0])) for one in (field, between, other)]
    assert sizes == sorted(sizes)
    assert sizes[2] - sizes[0] > 0.2


def test_a_mesh_gives_the_same_field_by_the_method_and_by_the_function(toy_space):
    mesh, x = toys.toy(toys.COUNT + 3), np.random.default_rng(0).uniform(-1, 1, (50, 3))
    assert np.array_equal(toy_space.infer(mesh)(x), api.infer(toy_space, mesh).sdf(x))


def test_samples_that_do_not_fit_a_space(toy_space):
    rows = rows_of(0.6, 3000)
    rows[:7, 3] = np.nan
    with pytest.warns(UserWarning, match="array: 7 of 3000 samples are left out, as they are not finite"):
        toy_space.infer(rows)
    with pytest.raises(InputError, match=r"array has samples inside the shape at \d{3}\.\d from .* normalise"):
        toy_space.infer(1000 * rows_of(0.6, 3000))
    with pytest.raises(InputError, match="array has no samples inside"):
        toy_space.infer(np.abs(rows_of(0.6, 3000)))
    with pytest.raises(InputError, match="array has no samples that are finite"):
        toy_space.infer(np.full((5, 4), np.nan))
    with pytest.raises(InputError, match=r"the array has the shape \(9, 5\): .* or samples \(n, 4\), x, y, z"):
        toy_space.infer(np.zeros((9, 5)))
