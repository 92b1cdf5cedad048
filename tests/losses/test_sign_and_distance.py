"""The composite loss, by hand."""

from __future__ import annotations

import math

import torch

from isofield.losses.outputs import sign_and_distance


def test_by_hand():
    """Outside at 0.5, outputs 2 and 0.3, deviations 1 and e: log(1 + e^-2) / 2 + 0.2 / (2 e^2) + 1; a point inside has
    log(1 + e^2)."""
    heads, log_deviations = torch.tensor([[[2.0, 0.3], [2.0, -0.1]]]), torch.tensor([0.0, 1.0])
    found = sign_and_distance(heads, torch.tensor([[0.5, -0.2]]), log_deviations)[0].tolist()
    assert math.isclose(found[0], math.log1p(math.exp(-2)) / 2 + 0.2 / (2 * math.e**2) + 1, rel_tol=1e-5)
    assert math.isclose(found[1], math.log1p(math.exp(2)) / 2 + 0.1 / (2 * math.e**2) + 1, rel_tol=1e-5)
