"""What a field answers, in the user's units."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

import isofield
from isofield import InputError, surfaces
from isofield.api import SDF
from isofield.api.modules import on_device
from isofield.fields.grid_residual import GridResidual
from isofield.fields.siren import Siren

CENTER, RADIUS = np.array([10.0, -20.0, 30.0]), 4.0


def _around(count: int = 500, reach: float = 8.0) -> np.ndarray:
    return CENTER + np.random.default_rng(1).uniform(-reach, reach, (count, 3))


def test_fields_and_clouds_are_equal_to_themselves_alone():
    """So that they can be members of sets and keys of caches; their arrays are not compared."""
    cloud = isofield.Cloud(np.zeros((3, 3)))
    assert cloud == cloud and cloud != isofield.Cloud(np.zeros((3, 3)))
    sdf = isofield.fit(trimesh.creation.box())
    assert sdf != copy.copy(sdf) and len({sdf, sdf, cloud}) == 2


def test_distances_are_in_the_users_units_and_negative_inside(ball):
    x = _around()
    true = np.linalg.norm(x - CENTER, axis=1) - RADIUS
    found = ball(x)
    assert found.dtype == np.float64
    assert found.shape == (500,)
    away = true > -3.5  # a trilinear cell rounds the cone's tip
    assert np.abs(found - true)[away].max() < 0.1
    assert ball(CENTER[None])[0] < -3.5
    inside = ball.contains(x)
    assert inside.dtype == bool
    assert np.array_equal(inside, found < 0)
    assert np.array_equal(inside[np.abs(true) > 0.05], (true < 0)[np.abs(true) > 0.05])
    far = ball(CENTER + np.array([[1000.0, 0, 0], [0, 0, -1e6]]))
    assert np.allclose(far, [996, 1e6 - 4], rtol=1e-3)


def test_gradients_and_normals_point_outward(ball):
    x = CENTER + (_around(400) - CENTER) * 0.6
    x = x[np.linalg.norm(x - CENTER, axis=1) > 1.5]
    outward = (x - CENTER) / np.linalg.norm(x - CENTER, axis=1, keepdims=True)
    assert np.abs(np.linalg.norm(ball.gradient(x), axis=1) - 1).max() < 0.15
    normals = ball.normals(x)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    assert (normals * outward).sum(1).min() > 0.98


def test_numpy_gives_numpy_and_torch_gives_torch(ball):
    x = _around(50)
    values, gradients = ball(x), ball.gradient(x)
    for dtype in (torch.float32, torch.float64):
        t = torch.as_tensor(x, dtype=dtype)
        assert ball(t).dtype == ball.gradient(t).dtype == ball.normals(t).dtype == dtype
        assert np.allclose(ball(t).numpy(), values, atol=1e-4)
        assert np.allclose(ball.gradient(t).numpy(), gradients, atol=0.05)
        assert ball.contains(t).dtype == torch.bool
    whole = torch.tensor([[10, -20, 30], [10, -20, 40]])
    assert np.allclose(ball(whole).numpy(), ball(whole.numpy()), atol=1e-4)
    assert np.allclose(ball.gradient(whole).numpy(), ball.gradient(whole.numpy()), atol=1e-4)
    assert np.array_equal(ball(x.astype(np.float32)), ball(x.astype(np.float32).astype(np.float64)))
    assert ball(x.tolist()).shape == (50,)


def test_torch_differentiates_it(ball):
    x = torch.as_tensor(_around(200, 5.0)).requires_grad_()
    ball(x).sum().backward()
    assert torch.allclose(x.grad, ball.gradient(x), atol=1e-4)


@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_no_points_give_no_answers(ball, make):
    none = make((0, 3))
    assert tuple(ball(none).shape) == (0,)
    assert tuple(ball.contains(none).shape) == (0,)
    assert tuple(ball.gradient(none).shape) == (0, 3)
    assert tuple(ball.normals(none).shape) == (0, 3)


@pytest.mark.parametrize(
    "wrong", [np.zeros(3), np.zeros((4, 2)), np.zeros((2, 3, 3)), torch.zeros(3), torch.zeros(2, 4)]
)
def test_points_of_another_shape_are_refused(ball, wrong):
    for ask in (ball, ball.gradient, ball.normals, ball.contains):
        with pytest.raises(InputError, match=r"\(n, 3\)"):
            ask(wrong)


def test_the_mesh_is_closed_and_in_the_users_units(ball):
    extraction = ball.extract()
    mesh = extraction.mesh
    assert extraction.resolution == 40
    assert extraction.problems == []
    assert extraction.dropped == 0
    assert extraction.evaluations > 0
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)
    assert np.abs(np.linalg.norm(mesh.vertices - CENTER, axis=1) - RADIUS).max() < 0.05


@pytest.mark.parametrize("resolution", [None, 48])
@pytest.mark.parametrize("level", [-1.0, 0.7, 3.0, 9.0])
def test_another_level_is_an_offset_surface(ball, level, resolution):
    """Also one that leaves the box of the points, and that of the grid."""
    mesh = ball.mesh(resolution, level=level)
    found = surfaces.check(mesh)
    assert found.problems == []
    assert np.linalg.norm(mesh.vertices - CENTER, axis=1).mean() == pytest.approx(
        RADIUS + level, abs=0.03 if level < 5 else 2
    )


def test_more_cells_give_more_faces_and_too_many_are_refused(ball):
    assert len(ball.mesh(64).faces) > 2 * len(ball.mesh(32).faces)
    for resolution in (7, 1025, -5):
        with pytest.raises(InputError, match="8 to 1024"):
            ball.mesh(resolution)


def test_a_level_without_a_surface_is_refused(ball):
    with pytest.raises(InputError, match="no surface at level"):
        ball.mesh(32, level=-50.0)
    with pytest.raises(InputError, match="too far out for 32 cells"):
        ball.mesh(32, level=500.0)
    for level in (np.nan, np.inf):
        with pytest.raises(InputError, match="is not a distance: give a number"):
            ball.mesh(32, level=level)


def test_a_component_without_points_goes_unless_all_are_kept(ball):
    grid = ball.field
    position = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), -1).reshape(-1, 3) * 0.05 - 1
    second = np.linalg.norm(position - [0.7, 0.7, 0.7], axis=1) - 0.15
    values = grid.values_0.numpy()
    grid.values_0.data = torch.as_tensor(np.minimum(values, second), dtype=torch.float32)
    wide = replace(ball, lower=(-1.0,) * 3, upper=(1.0,) * 3)
    assert wide.extract().dropped == 1
    assert wide.mesh().body_count == 1
    assert wide.mesh(keep_all=True).body_count == 2


def test_what_it_says_of_itself_is_short(ball):
    assert repr(ball) == "SDF(kind='grid', method='by hand')"


def test_kinds(ball):
    network = Siren(8, 1, 5.0)
    assert ball.kind == "grid"
    assert replace(ball, field=GridResidual(ball.field, network)).kind == "refined grid"
    assert replace(ball, field=network).kind == "network"


def test_points_of_another_device_get_a_copy_made_once(ball):
    network, meta = Siren(8, 1, 5.0).requires_grad_(False), torch.device("meta")
    sdf, copies = replace(ball, field=network), {}
    assert on_device(network, torch.device("cpu"), copies) is network
    assert not copies
    there = on_device(network, meta, copies)
    assert on_device(network, meta, copies) is there
    assert {weight.device for weight in there.parameters()} == {meta}
    assert sdf(torch.zeros(4, 3, device=meta)).device == meta
    assert {weight.device.type for weight in network.parameters()} == {"cpu"}


def test_a_field_that_is_being_learned_is_not_copied(ball):
    sdf = replace(ball, field=Siren(8, 1, 5.0))
    with pytest.raises(InputError, match="requires gradients: move the points"):
        sdf(torch.zeros(4, 3, device="meta"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_points_give_cuda_distances_and_the_field_stays(ball):
    x = _around(100, 3.0)
    there = torch.as_tensor(x, device="cuda")
    for _ in range(2):
        assert np.allclose(ball(there).cpu().numpy(), ball(x), atol=1e-4)
        assert np.allclose(ball.gradient(there).cpu().numpy(), ball.gradient(x), atol=0.05)
    assert ball.field.origin.device.type == "cpu"


def test_a_fitted_field_is_a_distance(fitted: SDF, probes):
    x, clear, inside = probes
    assert np.array_equal(fitted.contains(x)[clear], inside[clear])
    vertices = np.asarray(fitted.mesh().vertices)
    assert np.abs(fitted(vertices)).max() < 0.01
    assert np.median(np.abs(np.linalg.norm(fitted.gradient(vertices), axis=1) - 1)) < 0.1
