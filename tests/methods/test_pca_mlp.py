"""A network on a coarse linear space: what it learns from training shapes holds for the codes of unseen ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import toys
from isofield.configs import Linear, PcaMlp, Schedule, Training
from isofield.types import SdfSamples, Shape
from trained import codes, started, trained

COUNT = 16
CONFIG = PcaMlp(
    linear=Linear(cells=12, iterations=8, samples=6000), dims=(32, 32), lead=4, samples=256, infer_steps=30,
    infer_samples=512,
    training=Training(steps=150, batch=8, network_rate=Schedule(4e-3, "cosine", final=1e-4)),
)  # fmt: skip


@pytest.fixture(scope="module")
def learned():
    """The space after its training, the losses of the steps, and the codes before."""
    shapes = [Shape(samples=toys.samples_of(number)) for number in range(COUNT)]
    return *trained(CONFIG, shapes), started(CONFIG, shapes).table


def error(field, samples: SdfSamples) -> float:
    """Mean clamped error near the surface."""
    near = np.abs(samples.distance) < 0.05
    with torch.no_grad():
        return float((field(torch.tensor(samples.points[near])) - torch.tensor(samples.distance[near])).abs().mean())


def test_the_loss_falls_and_the_codes_stay(learned):
    space, losses, before = learned
    distance = [terms["distance"] for terms in losses]
    assert np.mean(distance[-20:]) < 0.85 * np.mean(distance[:5])
    assert torch.equal(space.table, before)


def test_unseen_shapes_are_sharper_than_in_the_linear_space(learned):
    space = learned[0]
    for number in (toys.COUNT + 1, toys.COUNT + 2):
        samples = toys.samples_of(number)
        seen, held_out = samples.part(0, 4000), samples.part(4000, 6000)
        coarse, code = codes(space.linear, [seen])[0], codes(space, [seen])[0]
        blurred = error(lambda x, z=coarse: space.linear.module(x[None], z[None])[0], held_out)
        sharp, refined = error(space.field(code), held_out), error(space.refine(code, Shape(samples=seen)), held_out)
        assert sharp < 0.9 * blurred
        assert refined < sharp


def test_a_part_is_completed_by_the_code_of_the_linear_space(learned):
    space = learned[0]
    samples = toys.samples_of(toys.COUNT + 1)
    half = samples.points[:, 0] < 0.1
    part = SdfSamples(samples.points[half], samples.distance[half])
    drawn = space.complete(Shape(samples=part), 3, torch.Generator().manual_seed(0))
    assert drawn.shape == (3, space.table.shape[1])
    mean = error(lambda x: space.module(x[None], space.table.mean(0)[None])[0], samples)
    assert error(space.field(drawn[0]), samples) < 0.6 * mean
