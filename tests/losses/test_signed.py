"""DeepSDF's clamped loss, and the one that leads back."""

import pytest
import torch

from isofield.losses.signed import clamped, unsaturated_clamped_l1

VALUE = [0.05, 0.5, 0.5, -0.5, -0.02, -0.3]
DISTANCE = [0.02, 0.3, 0.04, 0.2, 0.03, -0.4]


def slopes(loss):
    value = torch.tensor(VALUE, requires_grad=True)
    return torch.autograd.grad(loss(value, torch.tensor(DISTANCE), 0.1), value)[0] * len(VALUE)


def test_errors_beyond_the_limit_count_as_the_limit_or_in_full():
    value, distance = torch.tensor(VALUE), torch.tensor(DISTANCE)
    assert float(clamped(value, distance, 0.1)) == pytest.approx((0.03 + 0 + 0.06 + 0.2 + 0.05 + 0) / 6)
    assert float(unsaturated_clamped_l1(value, distance, 0.1)) == pytest.approx((0.03 + 0 + 0.46 + 0.6 + 0.05 + 0) / 6)


def test_a_slope_leads_back_only_where_the_truth_is_not_beyond_as_well():
    assert slopes(clamped).tolist() == [1, 0, 0, 0, -1, 0]
    assert slopes(unsaturated_clamped_l1).tolist() == [1, 0, 1, -1, -1, 0]
