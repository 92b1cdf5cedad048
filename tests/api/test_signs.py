"""A training by pulling that loses its signs is noticed while it runs."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import isofield
from isofield import io
from isofield.api.signs import shapes_without_signs
from isofield.configs import NeuralPullSpace, PrepareConfig, Schedule, Training
from isofield.datasets import prepare
from isofield.methods.neural_pull_space import NeuralPullShapeSpace
from isofield.types import Cloud, Shape

SMALL = NeuralPullSpace(
    length=4, dims=(32,) * 4, skip=(2,), samples=64,
    training=Training(
        steps=200, batch=6, clip=5.0, beta2=0.99, network_rate=Schedule(4e-3, "cosine", final=1e-4),
        code_rate=Schedule(1e-2, "cosine"),
    ),
)  # fmt: skip


class Rule(nn.Module):
    """f(x; z) of |x| and x_0."""

    def __init__(self, rule) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, x, z):
        return self.rule(x.norm(dim=-1), x[..., 0])


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        (lambda r, x: r - 0.5, False),
        (lambda r, x: (r - 0.5).abs(), True),  # nothing inside
        (lambda r, x: 0.5 - r, True),  # inside out
        (lambda r, x: torch.where(r < 0.5, 0.5 - r, (r - 0.5) * x.sign()), True),  # an outside of two signs
        (lambda r, x: torch.full_like(r, -0.004), True),  # a network whose units are all off
    ],
)
def test_lost_signs_of_a_ball(rule, lost):
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 3))
    x *= random.normal(0.5, 0.05, (500, 1)) / np.linalg.norm(x, axis=1, keepdims=True)
    shapes = [Shape(rows={"cloud": np.tile(x, 2).astype(np.float32)})] * 20
    space = NeuralPullShapeSpace(SMALL, Rule(rule), torch.zeros(20, 4))
    looked_at = [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 19]
    assert shapes_without_signs(space, shapes, random) == (looked_at if lost else [])


@pytest.mark.slow
def test_a_training_that_loses_them_warns_once_with_names_and_a_remedy(tmp_path):
    for number in range(3):
        normal = np.random.default_rng(number).normal(size=(1500, 3))
        normal *= (1, 1, 0.5 + 0.2 * number) / np.linalg.norm(normal, axis=1, keepdims=True)
        io.write_cloud(Cloud(normal), tmp_path / f"in/{number}.ply")
    prepare(tmp_path / "in", tmp_path / "data", PrepareConfig(("cloud",), 4000), workers=1)

    def said(rate: float, steps: int) -> list[str]:
        config = replace(SMALL, training=replace(SMALL.training, network_rate=Schedule(rate), steps=steps))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            isofield.train("neural-pull", tmp_path / "data", tmp_path / f"run{rate}", config)
        return [str(one.message) for one in caught]

    assert said(4e-3, 200) == []
    (sentence,) = said(0.3, 300)
    assert sentence.startswith("after 200 steps 0, 1, 2 have lost their signs (3 of 3 shapes that were looked at): ")
    assert "train again with a smaller learning rate (--training.network-rate.initial)" in sentence
