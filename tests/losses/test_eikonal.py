"""Losses of IGR and SIREN, worked out by hand."""

import math

import pytest
import torch

from isofield.losses.eikonal import eikonal, emptiness, normals_apart, normals_turned, unit_slope
from isofield.losses.signed import clamped

GRADIENT = torch.tensor([[3.0, 0, 4.0], [0, 1.0, 0]])  # of lengths 5 and 1
NORMAL = torch.tensor([[0, 0, 1.0], [0, 1.0, 0]])


def test_slopes():
    assert eikonal(GRADIENT).item() == 8  # (16 + 0) / 2
    assert unit_slope(GRADIENT).item() == 2


def test_normals():
    assert normals_apart(GRADIENT, NORMAL).item() == pytest.approx(math.sqrt(18) / 2)
    assert normals_turned(GRADIENT, NORMAL).item() == pytest.approx(0.1)  # cosines 4 / 5 and 1
    assert normals_turned(-NORMAL, NORMAL).item() == pytest.approx(2)


def test_emptiness():
    assert emptiness(torch.tensor([0.0, -0.01]), 100).item() == pytest.approx((1 + math.exp(-1)) / 2)


def test_distances_beyond_the_clamp_are_alike():
    value, distance = torch.tensor([0.5, -0.3, 0.05]), torch.tensor([0.2, -0.1, -0.05])
    assert clamped(value, distance, 0.1).item() == pytest.approx(0.1 / 3)
