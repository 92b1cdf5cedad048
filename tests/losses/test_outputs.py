"""Losses on outputs of a network, by hand."""

import math

import pytest
import torch

from isofield.losses.outputs import misclassified, output_error, outputs_of, surface_error

VALUE = torch.tensor([[0.5, -0.25], [1.0, -1.0]])
OUTPUTS = torch.tensor([[[0.25], [0.25]], [[1.0], [-3.0]]])
NONE = torch.zeros(2)


def test_distances():
    assert output_error("l1", OUTPUTS, VALUE, NONE).tolist() == [0.375, 1.0]
    assert output_error("mse", OUTPUTS, VALUE, NONE).tolist() == [(0.0625 + 0.25) / 2, 2.0]
    assert misclassified(OUTPUTS, VALUE).tolist() == [0.5, 0.0]


def test_sign_and_distance_apart():
    """A logit of 0 costs log 2 whatever the sign; weights are 1 / (2 s^2), and log(s0 s1) is added."""
    outputs, deviations = torch.tensor([[[0.0, 1.0], [0.0, 0.75]]]), torch.tensor([math.log(2), math.log(3)])
    wanted = math.log(2) / 8 + 0.75 / 18 + math.log(6)
    assert float(output_error("composite", outputs, VALUE[:1], deviations)) == pytest.approx(wanted)
    assert float(misclassified(torch.tensor([[[1.0, 5.0], [-1.0, 5.0]]]), VALUE[:1])) == 0


def test_colours():
    colours = torch.tensor([[[0.0, 0.5, 1.0]]])
    assert float(output_error("mse", torch.zeros(1, 1, 3), colours, NONE)) == pytest.approx(1.25 / 3)
    assert (outputs_of("mse", 3), outputs_of("composite", None), outputs_of("l1", None)) == (3, 2, 1)


def test_surface_error_by_hand():
    """Values 0.2 and -0.4 on the surface, 0.01 off it; gradients of length 1, 3 and 0: 0.3 + 1 / 60 + e^-1 / 30."""
    value = torch.tensor([[0.2, -0.4, 0.01]])
    gradient = torch.tensor([[[1.0, 0, 0], [0, 3.0, 0], [0, 0, 0]]])
    found = surface_error(value, gradient, torch.tensor([[True, True, False]]))
    assert math.isclose(float(found), 0.3 + 1 / 60 + math.exp(-1) / 30, rel_tol=1e-5)
