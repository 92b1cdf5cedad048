"""Networks of given weights, and the weights that they start from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call, vmap

from isofield.fields.meta_network import MetaNetwork, value_of
from isofield.fields.serialization import build, describe, tensors
from isofield.fields.weight_network import WeightNetwork


def by_layers(network: WeightNetwork, theta: torch.Tensor) -> torch.nn.Module:
    """The same network as torch's own layers."""
    layers: list[torch.nn.Module] = []
    for rows, columns in network.shapes:
        layers += [torch.nn.Linear(columns, rows), torch.nn.ReLU()]
    plain = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, part in zip(plain.parameters(), theta.split(network.sizes), strict=True):
            parameter.copy_(part.view_as(parameter))
    return plain


def test_many_networks_at_once_are_each_its_own():
    """Against torch.func: functional_call under vmap, over tasks; values and gradients to 1e-5."""
    network, generator = WeightNetwork(3, (16, 16), 2), torch.Generator().manual_seed(0)
    theta = torch.randn(4, network.length, generator=generator, requires_grad=True)
    x = torch.randn(4, 10, 3, generator=generator)
    plain = by_layers(network, theta[0].detach())
    names = [name for name, _ in plain.named_parameters()]

    def one(x, theta):
        parts = theta.split(network.sizes)
        weights = {n: p.view(q.shape) for n, p, q in zip(names, parts, plain.parameters(), strict=True)}
        return functional_call(plain, weights, (x,))

    mine, reference = network(x, theta), vmap(one)(x, theta)
    assert torch.allclose(mine, reference, atol=1e-5, rtol=1e-5)
    gradients = [torch.autograd.grad(value.square().sum(), theta)[0] for value in (mine, reference)]
    assert torch.allclose(*gradients, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "softplus"])
@pytest.mark.parametrize("inputs", [2, 3])
def test_the_start_is_about_the_distance_to_a_ball(activation, inputs):
    """SAL's initialization, also with an encoding: correlation with |x| above 0.85; slope 1 in the mean of draws."""
    network = WeightNetwork(inputs, (256,) * 4, 1, activation, frequencies=4)
    x = torch.rand(1, 1000, inputs, generator=torch.Generator().manual_seed(1)) * 2 - 1
    length, slopes = x[0].norm(dim=1), []
    for seed in range(8):
        theta = network.first_weights(0.5, torch.Generator().manual_seed(seed))
        value = network(x, theta[None])[0, :, 0]
        assert torch.corrcoef(torch.stack([value, length]))[0, 1] > 0.85
        slopes.append(float(((value + 0.5) / length).mean()))
    assert abs(np.mean(slopes) - 1) < 0.1


def test_small_weights_are_a_network_that_is_zero_and_learns():
    network = WeightNetwork(5, (8, 8), 1)
    theta = network.small_weights(torch.Generator().manual_seed(0))[None].requires_grad_()
    value = network(torch.randn(1, 20, 5), theta)
    assert not value.any()
    assert torch.autograd.grad(value.sum(), theta)[0].any()


def test_the_sign_comes_from_the_first_output_and_the_size_from_the_second():
    heads = torch.tensor([[[2.0, 0.3], [-1.0, 0.2], [3.0, -0.1], [-2.0, -0.4]]])
    assert torch.allclose(value_of(heads), torch.tensor([[0.3, -0.2, 0.1, -0.4]]))


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("per", "count"), [("network", 1), ("tensor", 4), ("weight", 4 * 3 + 4 + 4 + 1)])
def test_step_sizes(per, count, positive):
    """As many as asked for; every one is the first value; steps beyond the last one repeat it."""
    network = WeightNetwork(3, (4,), 1)
    meta = MetaNetwork.begun(network, torch.zeros(network.length), 0.02, per, 2, positive)
    assert meta.steps.shape == (2, count)
    rates = meta.rates(5)
    assert all(torch.allclose(rate, torch.tensor(0.02)) for rate in rates)
    assert torch.broadcast_to(rates[0], (7, network.length)).shape == (7, network.length)
    with torch.no_grad():
        meta.steps[1] += 1
    first, second, third = meta.rates(3)
    assert (second > first).all()
    assert torch.equal(second, third)


def test_round_trip():
    network = WeightNetwork(2, (4, 4), 3, "sine", 2, 5.0)
    meta = MetaNetwork.begun(
        network, network.first_weights(0, torch.Generator().manual_seed(0)), 0.1, "tensor", 3, True
    )
    again = build(describe(meta), tensors(meta))
    x, theta = torch.randn(1, 6, 2), meta.start.detach()[None]
    assert torch.equal(again(x, theta), meta(x, theta))
    assert torch.equal(again.rates(3)[2], meta.rates(3)[2])
