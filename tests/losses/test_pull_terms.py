"""Terms beside the pull loss, by values worked out by hand."""

import math

import pytest
import torch

from isofield.losses.pull import beyond_nearest, level_set_alignment, point_to_tangent

X, Y, Z = torch.eye(3)


def test_alignment_weighs_the_angle_by_the_distance_from_the_surface():
    value = torch.tensor([0.0, 0.1, -0.2])
    gradient = torch.stack([2 * X, X, Y])  # lengths do not count
    there = torch.stack([3 * Y, X, -Y])  # turned by 90, 0 and 180 degrees
    found = level_set_alignment(value, gradient, there, 10.0)
    assert float(found) == pytest.approx((1 + 0 + 2 * math.exp(-2)) / 3, rel=1e-6)


def test_only_values_beyond_the_nearest_point_count():
    value, distance = torch.tensor([0.3, -0.3, 0.1, -0.1]), torch.tensor([0.1, 0.2, 0.2, 0.1])
    assert float(beyond_nearest(value, distance)) == pytest.approx((0.2 + 0.1) / 4, rel=1e-6)


def test_the_height_above_the_tangent_plane():
    there = torch.tensor([[0.5, 0.2, 0.1]])
    assert float(point_to_tangent(there, 4 * Z[None], torch.zeros(1, 3), Z[None], 15)) == pytest.approx(0.1, rel=1e-6)


def test_two_points_of_a_sphere_are_in_each_others_tangent_planes():
    """Where the point's own normal alone would put the one above the plane of the other."""
    random = torch.Generator().manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(2, 50, 3, generator=random), dim=2)
    there, point = 0.7 * normals
    assert float(point_to_tangent(there, normals[0], point, normals[1], 90.0)) < 1e-6


def test_a_point_beyond_an_edge_weighs_little():
    """A query lies in the plane z = 0 and 0.2 from x = 0; a point of each of both planes."""
    there, point = torch.tensor([[-0.2, 0.0, 0.0]] * 2), torch.tensor([[-0.3, 0.0, 0.1], [0.0, 0.0, -0.3]])
    normal, tangent = torch.stack([Z, Z]), torch.stack([Z, X])
    far = math.exp(-1 / (1 - math.cos(math.radians(15))))  # at 90 degrees
    expected = (0.1 + far * abs(-0.2 + 0.3) / 2) / (1 + far)
    assert float(point_to_tangent(there, normal, point, tangent, 15)) == pytest.approx(expected, rel=1e-5)
    assert far < 1e-12


def test_the_weights_have_no_gradient():
    """Else the loss would fall by turning a normal away."""
    normal = torch.tensor([[0.0, 0.6, 0.8]], requires_grad=True)
    height = point_to_tangent(torch.tensor([[0.0, 0.0, 1.0]]), normal, torch.zeros(1, 3), Z[None], 15)
    (gradient,) = torch.autograd.grad(height, normal)
    # One pair: the weight cancels, (z + n_z) / 2 with n of unit length is left.
    assert torch.allclose(gradient, torch.tensor([[0.0, -0.24, 0.18]]), atol=1e-6)
