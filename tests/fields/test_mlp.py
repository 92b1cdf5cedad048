"""The multilayer perceptron and its geometric initialisation."""

import json

import pytest
import torch

from isofield.fields.mlp import BETA, Mlp, Softplus


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_config_rebuilds_the_network(activation):
    field = Mlp((24, 24, 24), (2,), activation, 0.4, torch.Generator().manual_seed(5))
    again = Mlp(**json.loads(json.dumps(field.config())))
    again.load_state_dict(field.state_dict())
    x = torch.randn(7, 3)
    assert again(x).shape == (7,)
    assert torch.equal(again(x), field(x))


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_starts_as_the_distance_to_a_sphere(activation):
    """Atzmon and Lipman 2020: about |x| - radius; 8 layers of 256 leave the sphere's radius between 0.35 and 0.65."""
    generator = torch.Generator().manual_seed(0)
    field = Mlp((256,) * 8, (4,), activation, 0.5, generator)
    x = torch.nn.functional.normalize(torch.randn(500, 3, generator=generator), dim=1)
    with torch.no_grad():
        small, large = field(0.2 * x), field(0.9 * x)
    assert small.max() < 0 < large.min()
    assert 0.6 < (large - small).mean() / 0.7 < 1.4
    assert large.std() < 0.15


def test_softplus_agrees_with_torch():
    z = torch.linspace(-3, 3, 60_001)
    value, slope = Softplus.apply(z)
    assert (value - torch.nn.functional.softplus(z, BETA)).abs().max() < 1e-6
    assert (slope - torch.sigmoid(BETA * z)).abs().max() < 1e-6


def test_softplus_has_exact_derivatives():
    z = torch.randn(20, dtype=torch.float64) * 0.02
    z.requires_grad_()
    assert torch.autograd.gradcheck(Softplus.apply, z, eps=1e-7)
    assert torch.autograd.gradgradcheck(Softplus.apply, z, eps=1e-7)
