"""DeepSDF's auto-decoder: its losses by hand, its samples, and that it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import balls
from isofield import surfaces
from isofield.configs import PRESETS, DeepSdfConfig, RateConfig
from isofield.methods import auto_decoder, spaces
from isofield.training import Processes, Training
from isofield.types import SdfSamples

SMALL = DeepSdfConfig(
    length=8, dims=(32, 32), latent_in=(), norm_layers=(), weight_norm=False, dropout=(), saturating=False,
    code_std=0.1, code_bound=0.0, squared=True, prior_warm_up=0.0, batch=6, samples=128, steps=500,
    decoder_rate=RateConfig(5e-3, "cosine"),
    code_rate=RateConfig(1e-2, "cosine"), snapshots=(), infer_steps=200, infer_samples=512, infer_rate=2e-2,
)  # fmt: skip


class Plane(torch.nn.Module):
    """f(x; z) = x_0 - z_0, in the form of a network to learn."""

    def condition(self, z, random=None):
        return z[:, :1]

    def decode(self, x, added, random=None):
        return x[..., 0] - added


def losses(config, z, x, s, epoch):
    made = auto_decoder.learner(Plane(), torch.zeros(1, 2), lambda row: None, [0.5], config)
    return made.losses(torch.tensor(z), torch.tensor(x), torch.tensor(s), epoch, torch.Generator())


def test_losses_are_those_of_the_released_code_worked_out_by_hand():
    config = DeepSdfConfig(length=2, clamp=0.1, prior=1e-2, prior_warm_up=100)
    z = [[3.0, 4.0], [0.0, 0.5]]
    x = [[[3.05, 0, 0], [3.5, 0, 0]], [[-0.02, 0, 0], [0.03, 0, 0]]]  # f: 0.05, 0.5; -0.02, 0.03
    s = [[0.02, 0.3], [0.08, -0.4]]  # errors: 0.03, 0; 0.1, 0.13
    found = losses(config, z, x, s, 25)
    assert float(found["distance"]) == pytest.approx(2 * (0.03 + 0 + 0.1 + 0.13) / 4, abs=1e-5)
    assert float(found["prior"]) == pytest.approx(1e-2 * 0.25 * (5 + 0.5))
    assert float(losses(config, z, x, s, 300)["prior"]) == pytest.approx(1e-2 * 5.5)
    assert float(losses(replace(config, squared=True), z, x, s, 300)["prior"]) == pytest.approx(1e-2 * 25.25)
    unclamped = losses(replace(config, clamp=float("inf")), z, x, s, 1)["distance"]
    assert float(unclamped) == pytest.approx(2 * (0.03 + 0.2 + 0.1 + 0.43) / 4, abs=1e-5)


def test_half_of_the_samples_are_inside_and_rows_repeat_only_where_they_must():
    rows, random = balls.rows_of(0.5, 4000), np.random.default_rng(0)
    drawn = auto_decoder.balanced(rows, float((rows[:, 3] < 0).mean()), 500, random)
    assert drawn.shape == (500, 4) and drawn.dtype == np.float32
    assert (drawn[:250, 3] < 0).all() and (drawn[250:, 3] >= 0).all()
    assert len(np.unique(drawn, axis=0)) == 500
    rare = np.concatenate([rows[rows[:, 3] < 0][:7], rows[rows[:, 3] >= 0]])
    rare = random.permutation(rare)
    drawn = auto_decoder.balanced(rare, 7 / len(rare), 64, random)
    assert (drawn[:32, 3] < 0).all() and len(np.unique(drawn[:32], axis=0)) <= 7
    with pytest.raises(ValueError, match="inside"):
        auto_decoder.balanced(rows[rows[:, 3] > 0], 0.3, 64, random)


def test_published_settings_make_the_published_network():
    module = auto_decoder.network(PRESETS["deepsdf-paper"], 0)
    assert sum(weight.numel() for weight in module.parameters()) == 1_843_195
    codes = auto_decoder.first_codes(1000, PRESETS["deepsdf-paper"], 0)
    assert codes.norm(dim=1).mean() == pytest.approx(1.0, abs=0.01)
    plan = auto_decoder.plan(PRESETS["deepsdf-paper"], 1780, 0)  # aircraft: 28 steps an epoch
    assert (plan.steps, plan.snapshots[:2], plan.keep) == (2001 * 28, (2800, 14_000), 280)


@pytest.fixture(scope="module")
def learned():
    """A network of balls, and the codes of those it learned from."""
    rows = [balls.rows_of(radius, 4000) for radius in balls.RADII]
    module, codes = auto_decoder.network(SMALL, 0), auto_decoder.first_codes(len(rows), SMALL, 0)
    learner = auto_decoder.learner(module, codes, rows.__getitem__, [0.5] * len(rows), SMALL)
    training = Training(learner, auto_decoder.plan(SMALL, len(rows), 0), Processes())
    for _ in range(SMALL.steps):
        training.step()
    return module.eval().requires_grad_(False), training.all_codes()


def evidence(radius: float, count: int, seed: int) -> SdfSamples:
    rows = balls.rows_of(radius, count, seed)
    return SdfSamples(rows[:, :3], rows[:, 3])


def error(module, code, radius):
    """mean |f - s| near the surface of a ball, over samples that nobody saw."""
    known = evidence(radius, 2000, 9)
    value = spaces.field(module, code)(torch.from_numpy(known.points)).numpy()
    return np.abs(value.clip(-0.1, 0.1) - known.distance.clip(-0.1, 0.1)).mean()


def test_training_shapes_are_known_and_their_meshes_are_near_the_truth(learned):
    module, codes = learned
    assert max(error(module, code, radius) for code, radius in zip(codes, balls.RADII, strict=True)) < 0.012
    for code, radius in zip(codes, balls.RADII, strict=True):
        field = spaces.field(module, code)

        def distance(x, field=field):
            return field(torch.as_tensor(x, dtype=torch.float32)).double().numpy()

        mesh = surfaces.extract(distance, np.full(3, -1.02), np.full(3, 1.02), 48).mesh
        assert mesh.is_watertight
        assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - radius).mean() < 0.015


def test_an_unseen_shape_is_found_and_alone_as_among_others(learned):
    module, codes = learned
    known = [evidence(radius, 3000, 5) for radius in (0.5, 0.7)]
    found = spaces.infer(module, known, codes, SMALL)
    assert error(module, found[0], 0.5) < 0.012 and error(module, found[1], 0.7) < 0.012
    assert torch.equal(spaces.infer(module, known[1:], codes, SMALL)[0], found[1])


def test_levenberg_and_marquardt_find_as_good_a_code(learned):
    module, codes = learned
    by_squares = replace(SMALL, infer_by="lm")
    for radius in (0.42, 0.57, 0.8):
        known = [evidence(radius, 3000, 5)]
        adam, lm = (error(module, spaces.infer(module, known, codes, c)[0], radius) for c in (SMALL, by_squares))
        assert lm < 1.05 * adam + 1e-4
    alone = spaces.infer(module, known, codes, replace(by_squares, infer_polish=0))[0]
    assert error(module, alone, 0.8) < 0.012


def test_what_is_known_to_be_free_only_pushes_out(learned):
    module, codes = learned
    known = evidence(0.5, 3000, 5)
    outside = known.distance > 0.02
    free = SdfSamples(known.points, np.where(outside, 0.01, known.distance).astype(np.float32), outside)
    found = spaces.infer(module, [free], codes, SMALL)
    assert error(module, found[0], 0.5) < 0.015


def test_a_refined_field_holds_what_a_code_cannot(learned):
    module, codes = learned
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, (60_000, 3))
    x[:50_000] *= (0.55 + random.normal(0, 0.05, (50_000, 1))) / np.abs(x[:50_000]).max(1, keepdims=True)
    q = np.abs(x) - 0.55  # a cube, which no ball is
    s = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)
    order = random.permutation(len(x))
    known = SdfSamples(x[order].astype(np.float32), s[order].astype(np.float32))
    code = spaces.infer(module, [known], codes, SMALL)[0]
    points, truth = torch.tensor(x[::7], dtype=torch.float32), s[::7].clip(-0.1, 0.1)
    field = spaces.refine(module, known, code, SMALL)
    both = spaces.field(module, code), field
    rough, fine = (float(np.abs(f(points).detach().numpy().clip(-0.1, 0.1) - truth).mean()) for f in both)
    assert fine < 0.004 < 0.02 < rough
