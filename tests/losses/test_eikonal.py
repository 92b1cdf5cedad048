"""Losses of IGR and SIREN, worked out by hand."""

import math

import pytest
import torch

from isofield.losses.eikonal import eikonal, eikonal_l1, normal_cosine_loss, normal_l2_loss, off_surface_penalty
from isofield.losses.signed import clamped

GRADIENT = torch.tensor([[3.0, 0, 4.0], [0, 1.0, 0]])  # of lengths 5 and 1
NORMAL = torch.tensor([[0, 0, 1.0], [0, 1.0, 0]])


def test_slopes():
    assert eikonal(GRADIENT).item() == 8  # (16 + 0) / 2
    assert eikonal_l1(GRADIENT).item() == 2


def test_normals():
    assert normal_l2_loss(GRADIENT, NORMAL).item() == pytest.approx(math.sqrt(18) / 2)
    assert normal_cosine_loss(GRADIENT, NORMAL).item() == pytest.approx(0.1)  # cosines 4 / 5 and 1
    assert normal_cosine_loss(-NORMAL, NORMAL).item() == pytest.approx(2)


def test_emptiness():
    assert off_surface_penalty(torch.tensor([0.0, -0.01]), 100).item() == pytest.approx((1 + math.exp(-1)) / 2)


def test_distances_beyond_the_clamp_are_alike():
    value, distance = torch.tensor([0.5, -0.3, 0.05]), torch.tensor([0.2, -0.1, -0.05])
    assert clamped(value, distance, 0.1).item() == pytest.approx(0.1 / 3)
