"""A network on a coarse linear space: what it learns of known shapes holds for codes of unseen ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import toys
from isofield.configs import LinearConfig, PcaMlpConfig, RateConfig
from isofield.methods import sharpened, spaces
from isofield.training import Processes, Training

COUNT = 16
CONFIG = PcaMlpConfig(
    linear=LinearConfig(cells=12, iterations=8, samples=6000), dims=(32, 32), lead=4, batch=8, samples=256, steps=150,
    decoder_rate=RateConfig(4e-3, "cosine", final=1e-4), infer_steps=30, infer_samples=512,
)  # fmt: skip


@pytest.fixture(scope="module")
def learned():
    """The space before and after its training, and the codes."""
    held = [toys.evidence(number) for number in range(COUNT)]
    rows = [np.column_stack([one.points, one.distance]) for one in held]
    space, codes = sharpened.network(rows.__getitem__, COUNT, CONFIG, 0, lambda stage, share: None)
    inside = [float((one.distance < 0).mean()) for one in held]
    course = Training(
        sharpened.learner(space, codes, rows.__getitem__, inside, CONFIG), sharpened.plan(CONFIG, 0), Processes()
    )
    losses = [course.step().losses["distance"] for _ in range(CONFIG.steps)]
    return space.requires_grad_(False), codes, losses, course.all_codes()


def error(field, known) -> float:
    """Mean clamped error near the surface."""
    near = np.abs(known.distance) < 0.05
    with torch.no_grad():
        return float((field(torch.tensor(known.points[near])) - torch.tensor(known.distance[near])).abs().mean())


def test_the_loss_falls_and_the_codes_stay(learned):
    _, codes, losses, after = learned
    assert np.mean(losses[-20:]) < 0.85 * np.mean(losses[:5])
    assert torch.equal(after, codes)


def test_unseen_shapes_are_sharper_than_in_the_linear_space(learned):
    space, codes, _, _ = learned
    for number in (toys.COUNT + 1, toys.COUNT + 2):
        known = toys.evidence(number)
        seen, held = known.part(0, 4000), known.part(4000, 6000)
        coarse = spaces.infer(space.coarse, [seen], codes, CONFIG.linear)[0]
        code = spaces.infer(space, [seen], codes, CONFIG)[0]
        blurred = error(lambda x, z=coarse: space.coarse(x[None], z[None])[0], held)
        sharp = error(spaces.field(space, code), held)
        refined = error(spaces.refine(space, seen, code, CONFIG), held)
        assert sharp < 0.9 * blurred
        assert refined < sharp


def test_a_part_is_completed_by_the_code_of_the_linear_space(learned):
    space, codes, _, _ = learned
    known = toys.evidence(toys.COUNT + 1)
    half = known.points[:, 0] < 0.1
    part = type(known)(known.points[half], known.distance[half])
    random = torch.Generator().manual_seed(0)
    found = spaces.complete(space, part, codes, CONFIG, 3, random)
    assert found.shape == (3, space.length)
    mean = error(lambda x: space(x[None], codes.mean(0)[None])[0], known)
    assert error(spaces.field(space, found[0]), known) < 0.6 * mean
