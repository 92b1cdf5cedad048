"""Exact spatial gradients of every network, against finite differences and torch's own double backward."""

import pytest
import torch
from torch import nn

from isofield.fields.evaluation import value_and_gradient
from isofield.fields.hash_grid import HashGrid
from isofield.fields.mlp import Mlp
from isofield.fields.siren import Siren


def _fields():
    generator = torch.Generator().manual_seed(3)
    fields = {
        "siren": Siren(24, 3, 8.0, generator),
        "relu": Mlp((24,) * 4, (2,), "relu", 0.5, generator),
        "features": HashGrid(16, 2, (4, 16), 2, 512, 0.5, generator),
        "softplus": Mlp((24,) * 4, (2,), "softplus", 0.5, generator),
        "any module": nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)),
    }
    for field in fields.values():
        for parameter in field.parameters():  # away from the special values of an initialisation
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)
    return {name: field.double() for name, field in fields.items()}


FIELDS = _fields()


@pytest.mark.parametrize("name", FIELDS)
def test_equals_finite_differences(name):
    field = FIELDS[name]
    x = torch.randn(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.5
    value, gradient = value_and_gradient(field, x)
    assert value.shape == (40,)
    assert gradient.shape == (40, 3)
    h = 1e-6
    with torch.no_grad():
        assert torch.equal(value.detach(), field(x))
        steps = h * torch.eye(3, dtype=torch.float64)
        differences = torch.stack([(field(x + step) - field(x - step)) / (2 * h) for step in steps], 1)
    wrong = (gradient.detach() - differences).abs().amax(1)
    assert wrong.median() < 1e-7
    assert (wrong > 1e-5).sum() <= 1  # a kink of ReLU may lie between the two points of a difference


@pytest.mark.parametrize("name", FIELDS)
def test_weights_learn_from_a_loss_on_the_gradient(name):
    field = FIELDS[name]
    x = torch.randn(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 0.5

    def loss(value, gradient):
        return ((x - value[:, None] * gradient / gradient.norm(dim=1, keepdim=True)) ** 2).sum(1).mean()

    weights = list(field.parameters())
    found = torch.autograd.grad(loss(*value_and_gradient(field, x)), weights, materialize_grads=True)
    known_x = x.clone().requires_grad_()
    value = field(known_x)
    (gradient,) = torch.autograd.grad(value.sum(), known_x, create_graph=True)
    known = torch.autograd.grad(loss(value, gradient), weights, materialize_grads=True)
    for a, b in zip(found, known, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", FIELDS)
def test_keeps_no_graph_where_torch_records_none(name):
    with torch.no_grad():
        value, gradient = value_and_gradient(FIELDS[name], torch.zeros(4, 3, dtype=torch.float64))
    assert not value.requires_grad
    assert not gradient.requires_grad
