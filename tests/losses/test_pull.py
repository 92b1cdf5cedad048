"""The pull on a sphere, where everything is known."""

import math

import torch

from isofield.losses.pull import direction, pull_loss, pulled


def _sphere(count=200, radius=0.5):
    """Queries, exact values, gradients of any length and nearest points."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 3, generator=generator) * 0.6
    length = x.norm(dim=1)
    normals = x / length[:, None]
    gradient = normals * torch.rand(count, 1, generator=generator).add(0.5)
    return x, length - radius, gradient, radius * normals


def test_an_exact_distance_pulls_onto_the_surface():
    x, value, gradient, nearest = _sphere()
    assert (pulled(x, value, gradient).norm(dim=1) - 0.5).abs().max() < 1e-6
    assert pull_loss(x, value, gradient, nearest) < 1e-5
    assert pull_loss(x, value, gradient, nearest, squared=True) < 1e-10


def test_the_loss_is_the_distance_missed():
    x, value, gradient, nearest = _sphere()
    for loss, expected in (
        (pull_loss(x, value + 0.1, gradient, nearest), 0.1),
        (pull_loss(x, value + 0.1, gradient, nearest, squared=True), 0.01),
    ):
        assert math.isclose(loss, expected, rel_tol=1e-3)


def test_gradients_of_length_zero_stay_finite():
    gradient = torch.zeros(3, 3, requires_grad=True)
    nearest = torch.zeros(3, 3)
    loss = pull_loss(torch.zeros(3, 3), torch.zeros(3), gradient, nearest)
    loss.backward()
    assert torch.isfinite(gradient.grad).all()
    assert torch.equal(direction(torch.zeros(2, 3)), torch.zeros(2, 3))
