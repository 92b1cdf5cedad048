"""The sine network."""

import json
import math

import torch

from isofield.fields.siren import SinCos, Siren


def test_config_rebuilds_the_network():
    field = Siren(32, 3, 15.0, torch.Generator().manual_seed(5))
    again = Siren(**json.loads(json.dumps(field.config())))
    again.load_state_dict(field.state_dict())
    x = torch.randn(7, 3)
    assert again(x).shape == (7,)
    assert torch.equal(again(x), field(x))


def test_the_generator_decides_the_weights():
    first, same, other = (Siren(16, 2, generator=torch.Generator().manual_seed(s)).last.weight for s in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_weights_fill_the_published_bounds():
    field = Siren(192, 4, 20.0)
    bound = math.sqrt(6 / 192) / 20
    for layer in [*field.hidden[1:], field.last]:
        assert 0.9 * bound < layer.weight.abs().max() <= bound
    assert 0.3 < field.hidden[0].weight.abs().max() <= 1 / 3


def test_sine_and_cosine_have_exact_derivatives():
    z = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SinCos.apply, z)
    assert torch.autograd.gradgradcheck(SinCos.apply, z)
