"""Linear spaces on a grid: volume, features and interpolation agree, mirrored or not, and rounding is small."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator

from isofield.fields.pca_grid import PcaGrid, quantized
from isofield.fields.serialization import build, describe, tensors

CELLS, LENGTH = 6, 5


def space(mirrored=(), seed=0):
    random = np.random.default_rng(seed)
    counts = [CELLS // 2 + 1 if axis in mirrored else CELLS + 1 for axis in range(3)]
    odd = np.zeros((LENGTH, 3))
    for axis in mirrored:
        odd[:, axis] = random.integers(0, 2, LENGTH)
    rows = random.normal(size=(LENGTH, *counts))
    for row, kinds in zip(rows, odd, strict=True):
        for axis in mirrored:
            if kinds[axis]:  # what is odd is 0 in the middle
                row[(slice(None),) * axis + (0,)] = 0
    mean = random.normal(size=np.prod(counts))
    return quantized(CELLS, mirrored, mean, rows.reshape(LENGTH, -1), odd), mean, rows, odd


@pytest.mark.parametrize("mirrored", [(), (0,), (2,), (0, 2), (0, 1, 2)], ids=str)
def test_volume_forward_and_features_are_one_field(mirrored):
    made = space(mirrored)[0]
    random = torch.Generator().manual_seed(1)
    z, x = torch.randn(2, LENGTH, generator=random), torch.rand(2, 300, 3, generator=random) * 2 - 1
    volume = made.volume(z).view(2, *(CELLS + 1,) * 3).double().numpy()
    line, value = np.linspace(-1, 1, CELLS + 1), made(x, z)
    for shape in range(2):
        expected = RegularGridInterpolator((line,) * 3, volume[shape])(x[shape].double().numpy())
        np.testing.assert_allclose(value[shape].numpy(), expected, atol=2e-5)
        found = made.features(x[shape]) @ torch.cat([torch.ones(1), z[shape]])
        np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("axis", range(3))
def test_components_are_even_or_odd_along_a_mirrored_axis(axis):
    made, _, _, odd = space((axis,))
    x = torch.rand(200, 3) * 2 - 1
    mirrored = x.clone()
    mirrored[:, axis] *= -1
    sign = torch.tensor([1.0, *(1 - 2 * odd[:, axis])], dtype=torch.float32)
    torch.testing.assert_close(made.features(mirrored), made.features(x) * sign, atol=1e-6, rtol=1e-5)


def test_entries_are_rounded_by_at_most_half_a_step():
    made, mean, rows, _ = space()
    flat = rows.reshape(LENGTH, -1)
    volume = made.volume(torch.eye(LENGTH)).numpy() - mean
    assert (np.abs(volume - flat).max(1) <= 0.5 * np.abs(flat).max(1) / 127 + 1e-6).all()


def test_points_beyond_the_cube_have_the_value_at_its_border():
    made, z = space()[0], torch.ones(1, LENGTH)
    beyond, border = torch.tensor([[[3.0, 0.2, -7.0]]]), torch.tensor([[[1.0, 0.2, -1.0]]])
    torch.testing.assert_close(made(beyond, z), made(border, z))


def test_round_trip_and_tensors_that_do_not_belong_together():
    made, z, x = space((0,))[0], torch.ones(1, LENGTH), torch.rand(1, 9, 3)
    assert torch.equal(build(describe(made), tensors(made))(x, z), made(x, z))
    with pytest.raises(ValueError, match="do not fit"):
        PcaGrid(CELLS, (), made.mean, made.rows, made.steps, made.odd)


def test_derivative_by_the_code():
    made = space((1,))[0].double()
    x = torch.rand(1, 5, 3, dtype=torch.float64)
    z = torch.randn(1, LENGTH, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: made(x, z), z)
