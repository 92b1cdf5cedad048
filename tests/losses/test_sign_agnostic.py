"""Losses of SAL and SALD, worked out by hand."""

import torch

from isofield.losses.sign_agnostic import unsigned_direction, unsigned_value


def test_values_agree_up_to_their_sign():
    assert unsigned_value(torch.tensor([-1.0, 2.0, 0.5]), torch.tensor([1.0, 1.0, 0.0])).item() == 0.5


def test_directions_agree_up_to_their_sign():
    normal = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    assert unsigned_direction(torch.tensor([[1.0, 0, 0], [0, -1.0, 0]]), normal).item() == 0
    # |(0.5, 0.5, 0) - (1, 0, 0)|_1 = 1, |(0, 1, 2) - (0, 1, 0)|_1 = 2
    assert unsigned_direction(torch.tensor([[0.5, 0.5, 0], [0, 1.0, 2.0]]), normal).item() == 1.5


def test_points_on_the_surface_have_no_direction_to_learn():
    gradient = torch.tensor([[3.0, 0, 0], [0, 0, 0.5]])
    assert unsigned_direction(gradient, torch.tensor([[0, 0, 0], [0, 0, 1.0]])).item() == 0.5
    assert unsigned_direction(gradient, torch.zeros(2, 3)).item() == 0
