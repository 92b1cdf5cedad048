"""The sharpened linear space: it starts as the linear space, is continuous across cells, and follows the code."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isofield.fields.pca_grid import quantized
from isofield.fields.pca_mlp import PcaMlp
from isofield.fields.serialization import build, describe, tensors


@pytest.fixture(scope="module")
def coarse():
    random = np.random.default_rng(0)
    mean, rows = random.normal(0, 0.1, 9**3), random.normal(0, 0.1, (5, 9**3))
    return quantized(8, (), mean, rows, np.zeros((5, 3)))


def stirred(space):
    """The same with a last layer that says something."""
    with torch.no_grad():
        space.last.weight.normal_(generator=torch.Generator().manual_seed(3))
        space.code.weight.normal_(generator=torch.Generator().manual_seed(4))
    return space


def test_it_starts_as_the_linear_space(coarse):
    space, x, z = PcaMlp(coarse), torch.rand(2, 40, 3) * 2 - 1, torch.randn(2, 5)
    torch.testing.assert_close(space(x, z), coarse(x, z), atol=1e-6, rtol=1e-5)


def test_it_is_continuous_across_cells_and_to_the_border(coarse):
    space, z = stirred(PcaMlp(coarse)), torch.randn(1, 5)
    rest = torch.rand(1, 200, 2) * 2 - 1
    for plane in (-0.75, -0.25, 0.0, 0.5):
        for axis in range(3):
            sides = []
            for shift in (-1e-6, 1e-6):
                x = torch.cat([rest, torch.full((1, 200, 1), plane + shift)], -1).roll(axis, -1)
                sides.append(space(x, z))
            torch.testing.assert_close(*sides, atol=1e-3, rtol=0)
    ends = torch.tensor([[[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]])
    torch.testing.assert_close(space(ends * (1 - 1e-6), z), space(ends, z), atol=1e-3, rtol=0)


def test_round_trip_and_codes_of_several_shapes(coarse):
    space, x, z = stirred(PcaMlp(coarse, (16, 16), 3)), torch.rand(2, 30, 3), torch.randn(2, 5)
    again = build(describe(space), tensors(space))
    assert torch.equal(again(x, z), space(x, z))
    torch.testing.assert_close(space(x, z)[1], space(x[1:], z[1:])[0])
    assert not torch.allclose(space(x, z), space(x, z.flip(0)))


def test_gradients_by_point_and_by_code(coarse):
    space = stirred(PcaMlp(coarse, (16, 16))).double()
    x = (torch.rand(1, 6, 3, dtype=torch.float64) * 2 - 1).requires_grad_()
    z = torch.randn(1, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: space(x.detach(), z), z, atol=1e-4)
    assert torch.autograd.gradcheck(lambda x: space(x, z.detach()), x, atol=1e-4)
