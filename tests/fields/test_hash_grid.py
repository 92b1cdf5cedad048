"""Feature grids of several resolutions."""

import json

import pytest
import torch

from isofield.fields.hash_grid import SPACE, HashGrid

SMALL = {"width": 24, "layers": 2, "cells": (4, 16), "features": 2, "table": 512}


def _field(**options) -> HashGrid:
    field = HashGrid(**SMALL, **options, generator=torch.Generator().manual_seed(5))
    for parameter in field.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(6))
    return field


def test_starts_as_the_distance_to_a_sphere():
    field = HashGrid(radius=0.4, generator=torch.Generator().manual_seed(0))
    x = torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(1)), dim=1)
    with torch.no_grad():
        small, large = field(0.1 * x), field(0.9 * x)
    assert small.max() < 0 < large.min()
    assert 0.5 < (large - small).mean() / 0.8 < 1.5


def test_config_rebuilds_the_network():
    field = _field()
    again = HashGrid(**json.loads(json.dumps(field.config())))
    again.load_state_dict(field.state_dict())
    x = torch.rand(50, 3) * 2 - 1
    assert torch.equal(again(x), field(x))


def test_features_are_interpolated_between_the_nodes_of_a_cell():
    """At a node of the coarse, dense level the features are that node's; half way along an edge the mean of two."""
    field = _field()
    at = torch.tensor([[1.0, 2.0, 3.0], [1.5, 2.0, 3.0], [2.0, 2.0, 3.0]]) / 4 * 2 * SPACE - SPACE
    with torch.no_grad():
        found = field.encode(at)[:, :2] / 10
    node = (1 * 5 + 2) * 5 + 3
    assert torch.allclose(found[0], field.tables[0][node], atol=1e-5)
    assert torch.allclose(found[2], field.tables[0][node + 25], atol=1e-5)
    assert torch.allclose(found[1], (found[0] + found[2]) / 2, atol=1e-5)


def test_is_continuous_across_cells_and_constant_in_features_beyond_the_cube():
    field = _field()
    border = torch.linspace(-1, 1, 33)[:, None] * torch.tensor([[0.0, 0.0, 1.0]]) + 0.3
    cell = 2 * SPACE / 16
    border[:, 0] = 3 * cell - SPACE
    step = torch.tensor([1e-5, 0, 0])
    with torch.no_grad():
        assert (field(border - step) - field(border + step)).abs().max() < 1e-3
        assert torch.equal(field.encode(torch.tensor([[5.0, 0.2, 0]])), field.encode(torch.tensor([[SPACE, 0.2, 0]])))


def test_a_table_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        HashGrid(table=1000)
