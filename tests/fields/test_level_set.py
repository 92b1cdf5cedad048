"""Derivatives of surfaces by the code, against spheres worked out by hand and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isofield.fields import level_set
from isofield.fields.level_set import CodedField
from isofield.fields.pca_grid import quantized


def ball(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """A ball about z[:3] of radius z[3], with a slope of 0.8: learned distances are not exact."""
    return 0.8 * ((x - z[:3]).norm(dim=1) - z[3])


Z = torch.tensor([0.1, -0.2, 0.3, 0.5], dtype=torch.float64)


def unit(count: int, seed: int = 0) -> torch.Tensor:
    x = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x / x.norm(dim=1, keepdim=True)


def test_points_of_a_ball_move_with_its_centre_along_the_normal_and_with_its_radius():
    n = unit(20)
    x = Z[:3] + 0.5 * n
    moved = level_set.surface_derivative(ball, x, Z)
    assert torch.allclose(moved[:, :, :3], n[:, :, None] * n[:, None, :], atol=1e-9)  # n n'
    assert torch.allclose(moved[:, :, 3], n, atol=1e-9)
    z = Z.clone().requires_grad_(True)
    foot = level_set.project(ball, Z[:3] + 0.8 * n, z)
    assert torch.allclose(foot.detach(), x, atol=1e-7)
    (by_code,) = torch.autograd.grad(foot[3, 1], z)
    assert torch.allclose(by_code, moved[3, 1], atol=1e-6)


def test_rays_to_a_ball():
    z = Z.clone().requires_grad_(True)
    directions = torch.tensor([[0, 0, -1.0], [0, 0, -1.0], [0, 0, -1.0]], dtype=torch.float64)
    origins = torch.tensor([[0.1, -0.2, 2], [0.4, -0.2, 2], [0.9, -0.2, 2]], dtype=torch.float64, requires_grad=True)
    t, met = level_set.trace(ball, origins, directions, z)
    assert met.tolist() == [True, True, False]
    assert torch.allclose(t.detach(), torch.tensor([1.2, 1.3, 4.0], dtype=torch.float64), atol=1e-5)
    by_code, by_origin = torch.autograd.grad(t[1], [z, origins], retain_graph=True)
    # At (0.4, -0.2, 0.7) the normal is (0.6, 0, 0.8): t = 2 - z_z - sqrt(r^2 - 0.3^2).
    assert torch.allclose(by_code, torch.tensor([-0.75, 0, -1, -1.25], dtype=torch.float64), atol=1e-4)
    assert torch.allclose(by_origin[1], torch.tensor([0.75, 0, 1], dtype=torch.float64), atol=1e-4)
    assert not torch.autograd.grad(t[2], z, allow_unused=True)[0].any()
    inside = level_set.least(ball, origins, directions, z, count=400).detach()
    assert (inside[:2] < 0).all()
    assert float(inside[2]) == pytest.approx(0.8 * (0.8 - 0.5), abs=1e-3)


@pytest.fixture(scope="module")
def space():
    """A linear space about a ball, of three smooth components."""
    line = np.linspace(-1, 1, 25)
    x = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    rows = 0.05 * np.stack([np.sin(2 * x[:, 0]), np.cos(3 * x[:, 1]), x[:, 2]])
    return quantized(24, (), np.linalg.norm(x, axis=1) - 0.6, rows, np.zeros((3, 3)))


def test_a_coded_field_against_finite_differences(space):
    """Depth, the feet's way along the normal and the field of a space, by the code: central differences."""
    field = CodedField(space, torch.tensor([0.3, -0.5, 0.8]))
    assert [name for name, _ in field.named_parameters()] == ["code"]
    n = unit(16, 1).float()
    origins, directions = 1.7 * n, -n

    def values() -> dict[str, torch.Tensor]:
        t, met = field.cast(origins, directions)
        assert met.all()
        return {"depth": t.sum(), "feet": (field.project(0.9 * n) * n).sum(), "field": field(0.7 * n).sum()}

    for name in ("depth", "feet", "field"):
        field.zero_grad()
        values()[name].backward()
        for number in range(3):
            with torch.no_grad():
                field.code[number] += 0.05
                above = float(values()[name])
                field.code[number] -= 0.1
                below = float(values()[name])
                field.code[number] += 0.05
            assert float(field.code.grad[number]) == pytest.approx((above - below) / 0.1, rel=0.05, abs=0.02)


def test_normals_have_derivatives_by_the_code(space):
    field = CodedField(space, torch.tensor([0.3, -0.5, 0.8]))
    foot = field.project(unit(50, 2).float()).detach()
    assert field(foot).abs().max() < 1e-4
    normals = field.normals(foot)
    assert torch.allclose(normals.norm(dim=1), torch.ones(50), atol=1e-5)
    (by_code,) = torch.autograd.grad(normals[:, 0].sum(), field.code)
    with torch.no_grad():
        field.code[0] += 0.01
        more = field.normals(foot)[:, 0].sum()
        field.code[0] -= 0.02
        less = field.normals(foot)[:, 0].sum()
    assert float(by_code[0]) == pytest.approx(float(more - less) / 0.02, rel=0.02, abs=0.01)


def test_a_surface_grows_where_its_derivative_says(space):
    """Newton's feet of the old surface on the new one are where dx/dz puts them."""
    field = CodedField(space, torch.tensor([0.0, 0.0, 0.0]))
    x = field.project(unit(100, 3).float()).detach()
    rates = field.surface_derivative(x)
    assert rates.shape == (100, 3, 3)
    other = CodedField(space, torch.tensor([0.2, 0.0, 0.0]))
    moved = other.project(x).detach() - x
    assert (moved - 0.2 * rates[:, :, 0]).norm(dim=1).max() < 0.05 * moved.norm(dim=1).max() + 5e-4
