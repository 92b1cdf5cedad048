"""Differentiable gradient steps, against closed forms and finite differences."""

from __future__ import annotations

import pytest
import torch

from isofield.adapt import unroll, unroll_finite
from isofield.fields.weight_network import WeightNetwork

TARGET = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)


def squares(code):
    return (code - TARGET).square().sum(1) / 2


def test_steps_on_a_parabola_are_the_closed_form():
    """z <- z - a (z - t) twice: z = t + (1 - a)(1 - b)(z_0 - t); losses before, between and after."""
    first = torch.zeros(2, 2, dtype=torch.float64)
    found, losses = unroll(squares, first, [torch.tensor(0.5), torch.tensor(0.2)])
    assert torch.allclose(found, TARGET * (1 - 0.5 * 0.8))
    assert torch.allclose(losses[:, 0], torch.tensor([5 / 2, 5 / 8, 5 / 2 * 0.16], dtype=torch.float64))


def test_a_step_does_not_depend_on_the_other_shapes():
    first = torch.zeros(2, 2, dtype=torch.float64)
    both = unroll(squares, first, [torch.tensor(0.3)])[0]
    alone = unroll(lambda z: (z - TARGET[:1]).square().sum(1) / 2, first[:1], [torch.tensor(0.3)])[0]
    assert torch.equal(both[:1], alone)


def test_second_order_sees_the_curvature_and_first_order_does_not():
    """d z_1 / d z_0 is 1 - a on a parabola, and 1 where the gradient counts as a constant."""
    for order, slope in ((2, 0.7), (1, 1.0)):
        first = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
        found = unroll(squares, first, [torch.tensor(0.3)], order=order)[0]
        (gradient,) = torch.autograd.grad(found.sum(), first)
        assert torch.allclose(gradient, torch.full_like(gradient, slope))
    assert not unroll(squares, first, [torch.tensor(0.3)], order=0)[0].requires_grad


@pytest.mark.parametrize("activation", ["softplus", "sine"])
def test_the_gradient_of_the_meta_loss_is_that_of_finite_differences(activation):
    """By the first weights and by the step sizes, two steps, float64."""
    generator = torch.Generator().manual_seed(0)
    network = WeightNetwork(2, (6, 6), 1, activation, frequencies=1, w0=3.0).double()
    x, target = (torch.randn(2, 9, d, generator=generator, dtype=torch.float64) for d in (2, 1))
    query, wanted = (torch.randn(2, 5, d, generator=generator, dtype=torch.float64) for d in (2, 1))

    def outer(start, rates):
        def inner(theta):
            return (network(x, theta) - target).square().mean((1, 2))

        theta, _ = unroll(inner, start.expand(2, -1), list(rates))
        return (network(query, theta) - wanted).square().mean()

    start = network.first_weights(0.5, generator).double().requires_grad_()
    rates = torch.full((2, network.length), 0.05, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(outer, (start, rates), atol=1e-7, rtol=1e-4)


def test_shapes_that_diverge_keep_their_first_codes_and_spoil_no_gradient():
    first = torch.ones(3, 1, dtype=torch.float64, requires_grad=True)
    slopes = torch.tensor([1.0, float("inf"), 2.0], dtype=torch.float64)

    def loss(code, rows):
        return code[:, 0] * slopes[rows]

    found, diverged = unroll_finite(loss, first, [torch.tensor(0.25)])
    assert diverged == 1
    assert found[:, 0].tolist() == [0.75, 1.0, 0.5]
    (gradient,) = torch.autograd.grad(found.sum(), first)
    assert gradient.isfinite().all()
