"""CAP-UDF on an open surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import isofield
from adapts import fitted, stages
from isofield.configs import CapUdf, Network, Optim
from isofield.configs.cap_udf import RATE
from isofield.errors import InputError
from isofield.fields.evaluation import value_and_gradient
from isofield.types import Observation

PAPER = CapUdf(Network("mlp", 64, 3), None, Optim(100, 800, replace(RATE, initial=3e-3)))
SMALL = CapUdf(Network("hashgrid", 32, 2), Optim(40, 800, RATE), Optim(40, 800, RATE))


def bowl(count: int, seed: int = 0) -> np.ndarray:
    """Points of the lower half of a sphere of radius 0.8."""
    x = np.random.default_rng(seed).standard_normal((count, 3))
    x *= 0.8 / np.linalg.norm(x, axis=1, keepdims=True)
    return x * np.where(x[:, 2:] > 0, [1, 1, -1], 1)


def distance(x: np.ndarray) -> np.ndarray:
    """(n,) from x (n, 3) to that half sphere."""
    ring = np.hypot(np.hypot(x[:, 0], x[:, 1]) - 0.8, x[:, 2])
    return np.where(x[:, 2] > 0, ring, np.abs(np.linalg.norm(x, axis=1) - 0.8))


@pytest.mark.parametrize("config", [PAPER, SMALL], ids=["sphere", "two sides"])
def test_learns_the_distance_to_an_open_surface_on_both_sides(config):
    field = fitted(config, Observation(bowl(3000)))
    x = bowl(3000, 1) + np.random.default_rng(2).normal(0, 0.05, (3000, 3))
    with torch.no_grad():
        found = field(torch.as_tensor(x, dtype=torch.float32)).double().numpy()
    assert found.min() >= 0
    assert np.abs(found - distance(x)).mean() < 0.01
    _, gradient = value_and_gradient(field, torch.as_tensor(x, dtype=torch.float32))
    plain = torch.as_tensor(x, dtype=torch.float32).requires_grad_()
    assert torch.allclose(gradient, torch.autograd.grad(field(plain).sum(), plain)[0], atol=1e-4)


def test_the_mesh_ends_at_the_border(tmp_path):
    with pytest.raises(InputError, match="no inside"):
        isofield.fit(bowl(100), method="cap-udf", surface="closed")
    sdf = isofield.fit(2 * bowl(3000) + 5, config=PAPER, method="cap-udf")
    mesh = sdf.mesh(40)
    assert not mesh.is_watertight
    assert mesh.area == pytest.approx(2 * np.pi * 1.6**2, rel=0.06)
    assert np.abs(distance((mesh.vertices - 5) / 2)).max() < 0.05  # a cell
    sdf.save(tmp_path / "bowl")
    again = isofield.load(tmp_path / "bowl")
    assert again.mesh(40).area == pytest.approx(mesh.area, rel=1e-3)
    assert not again.contains(np.asarray(mesh.vertices)).any()


def test_moved_queries_join_the_points_of_the_second_stage():
    with_, without = (
        stages(replace(PAPER, optim=Optim(3, 400), stages=2, near=near), Observation(bowl(400)))[-1].losses["moved"]
        for near in (10.0, 1e-9)
    )
    assert with_ < without  # more points are nearer


@pytest.mark.parametrize("change", [{"stages": 0}, {"near": 0.0}, {"cover": -1.0}], ids=str)
def test_settings_out_of_range(change):
    with pytest.raises(InputError, match=f"{next(iter(change))} .* is out of range"):
        replace(SMALL, **change)
