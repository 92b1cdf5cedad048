"""The pull and its relatives on a sphere, where everything is known."""

import math

import torch

from isofield.losses.pull import alignment_loss, direction, plane_loss, pull_loss, pulled


def _sphere(count=200, radius=0.5):
    """Queries, exact values, gradients of any length, nearest points and normals."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 3, generator=generator) * 0.6
    length = x.norm(dim=1)
    normals = x / length[:, None]
    gradient = normals * torch.rand(count, 1, generator=generator).add(0.5)
    return x, length - radius, gradient, radius * normals, normals


def test_an_exact_distance_pulls_onto_the_surface():
    x, value, gradient, nearest, normals = _sphere()
    assert (pulled(x, value, gradient).norm(dim=1) - 0.5).abs().max() < 1e-6
    assert pull_loss(x, value, gradient, nearest) < 1e-5
    assert pull_loss(x, value, gradient, nearest, squared=True) < 1e-10
    assert plane_loss(x, value, gradient, nearest, normals) < 1e-6


def test_the_loss_is_the_distance_missed():
    x, value, gradient, nearest, normals = _sphere()
    for loss, expected in (
        (pull_loss(x, value + 0.1, gradient, nearest), 0.1),
        (pull_loss(x, value + 0.1, gradient, nearest, squared=True), 0.01),
        (plane_loss(x, value + 0.1, gradient, nearest, -normals), 0.1),
    ):
        assert math.isclose(loss, expected, rel_tol=1e-3)


def test_plane_loss_ignores_how_sparse_the_points_are():
    x, value, gradient, nearest, normals = _sphere()
    anywhere = torch.randn(1, 3, generator=torch.Generator().manual_seed(1)).expand_as(normals)
    aside = torch.cross(normals, anywhere, dim=1)
    assert plane_loss(x, value, gradient, nearest + 0.1 * aside, normals) < 1e-5
    assert pull_loss(x, value, gradient, nearest + 0.1 * aside) > 0.03


def test_gradients_of_length_zero_stay_finite():
    gradient = torch.zeros(3, 3, requires_grad=True)
    nearest = torch.zeros(3, 3)
    loss = pull_loss(torch.zeros(3, 3), torch.zeros(3), gradient, nearest)
    loss.backward()
    assert torch.isfinite(gradient.grad).all()
    assert torch.equal(direction(torch.zeros(2, 3)), torch.zeros(2, 3))


def test_alignment_weighs_by_nearness():
    value = torch.tensor([0.0, 0.1])
    gradient = torch.tensor([[1.0, 0, 0], [1.0, 0, 0]])
    turned = torch.tensor([[0, 2.0, 0], [0, 2.0, 0]])
    expected = (1 + math.exp(-1)) / 2
    assert math.isclose(alignment_loss(value, gradient, turned, 10.0), expected, rel_tol=1e-5)
    assert alignment_loss(value, gradient, 3 * gradient) < 1e-6
