"""DeepSDF: its losses by hand, and that it learns and infers."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import balls
from isofield import surfaces
from isofield.configs import DeepSdf, Schedule, Training
from isofield.configs.deepsdf import PAPER
from isofield.errors import InputError
from isofield.methods.deepsdf import DeepSdfSpace
from isofield.types import Batch, SdfSamples, Shape
from trained import codes, shapes_of, started, trained, trainer

SMALL = DeepSdf(
    length=8, dims=(32, 32), latent_in=(), norm_layers=(), weight_norm=False, dropout=(), saturating=False,
    code_std=0.1, squared=True, prior_warm_up=0.0, samples=128, infer_steps=200, infer_samples=512, infer_rate=2e-2,
    training=Training(
        steps=500, batch=6, network_rate=Schedule(5e-3, "cosine"), code_rate=Schedule(1e-2, "cosine"),
    ),
)  # fmt: skip


class Plane(torch.nn.Module):
    """f(x; z) = x_0 - z_0, in the form of a decoder."""

    def condition(self, z, random=None):
        return z[:, :1]

    def decode(self, x, added, random=None):
        return x[..., 0] - added


def losses(config, z, x, s, epoch):
    tensors = {"points": torch.tensor(x), "distance": torch.tensor(s)}
    return DeepSdfSpace(config, Plane()).losses(torch.tensor(z), Batch(tensors, epoch))


def test_losses_are_those_of_the_released_code_worked_out_by_hand():
    config = DeepSdf(length=2, clamp=0.1, prior=1e-2, prior_warm_up=100)
    z = [[3.0, 4.0], [0.0, 0.5]]
    x = [[[3.05, 0, 0], [3.5, 0, 0]], [[-0.02, 0, 0], [0.03, 0, 0]]]  # f: 0.05, 0.5; -0.02, 0.03
    s = [[0.02, 0.3], [0.08, -0.4]]  # errors: 0.03, 0; 0.1, 0.13
    terms = losses(config, z, x, s, 25)
    assert float(terms["distance"]) == pytest.approx(2 * (0.03 + 0 + 0.1 + 0.13) / 4, abs=1e-5)
    assert float(terms["prior"]) == pytest.approx(1e-2 * 0.25 * (5 + 0.5))
    assert float(losses(config, z, x, s, 300)["prior"]) == pytest.approx(1e-2 * 5.5)
    assert float(losses(replace(config, squared=True), z, x, s, 300)["prior"]) == pytest.approx(1e-2 * 25.25)
    unclamped = losses(replace(config, clamp=float("inf")), z, x, s, 1)["distance"]
    assert float(unclamped) == pytest.approx(2 * (0.03 + 0.2 + 0.1 + 0.43) / 4, abs=1e-5)


def test_published_settings_make_the_published_network():
    shape = shapes_of([balls.rows_of(0.5, 10)])[0]
    space = started(PAPER, [shape] * 1780)  # as many as the aircraft: 28 steps an epoch
    assert sum(weight.numel() for weight in space.module.parameters()) == 1_843_195
    assert space.table.norm(dim=1).mean() == pytest.approx(1.0, abs=0.01)
    course = trainer(PAPER, [shape] * 1780)
    assert (course.steps, course.snapshots[:2], course.keep) == (2001 * 28, [2800, 14_000], 280)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="these settings make no network"):
        started(replace(SMALL, dims=(8, 8), latent_in=(1,)), shapes_of([balls.rows_of(0.5, 10)]))


@pytest.fixture(scope="module")
def learned():
    """A space of balls."""
    return trained(SMALL, shapes_of([balls.rows_of(radius, 4000) for radius in balls.RADII]))[0]


def samples_of(radius: float, count: int, seed: int) -> SdfSamples:
    rows = balls.rows_of(radius, count, seed)
    return SdfSamples(rows[:, :3], rows[:, 3])


def error(space, code, radius):
    """mean |f - s| near the surface of a ball, over samples that no training used."""
    test = samples_of(radius, 2000, 9)
    value = space.field(code)(torch.from_numpy(test.points)).numpy()
    return np.abs(value.clip(-0.1, 0.1) - test.distance.clip(-0.1, 0.1)).mean()


def test_training_shapes_are_learned_and_their_meshes_are_near_the_truth(learned):
    assert max(error(learned, code, radius) for code, radius in zip(learned.table, balls.RADII, strict=True)) < 0.012
    for code, radius in zip(learned.table, balls.RADII, strict=True):
        field = learned.field(code)

        def distance(x, field=field):
            return field(torch.as_tensor(x, dtype=torch.float32)).double().numpy()

        mesh = surfaces.extract(distance, np.full(3, -1.02), np.full(3, 1.02), 48).mesh
        assert mesh.is_watertight
        assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - radius).mean() < 0.015


def test_an_unseen_shape_has_the_same_code_alone_as_among_others(learned):
    samples = [samples_of(radius, 3000, 5) for radius in (0.5, 0.7)]
    both = codes(learned, samples)
    assert error(learned, both[0], 0.5) < 0.012 and error(learned, both[1], 0.7) < 0.012
    assert torch.equal(codes(learned, samples[1:])[0], both[1])


def test_levenberg_marquardt_infers_as_good_a_code(learned):
    by_squares = replace(learned, config=replace(SMALL, infer_by="lm"))
    for radius in (0.42, 0.57, 0.8):
        samples = [samples_of(radius, 3000, 5)]
        adam, lm = (error(space, codes(space, samples)[0], radius) for space in (learned, by_squares))
        assert lm < 1.05 * adam + 1e-4
    alone = replace(learned, config=replace(SMALL, infer_by="lm", infer_polish=0))
    assert error(learned, codes(alone, samples)[0], 0.8) < 0.012


def test_lower_bounds_only_push_out(learned):
    samples = samples_of(0.5, 3000, 5)
    outside = samples.distance > 0.02
    free = SdfSamples(samples.points, np.where(outside, 0.01, samples.distance).astype(np.float32), outside)
    assert error(learned, codes(learned, [free])[0], 0.5) < 0.015


def test_a_refined_field_holds_what_a_code_cannot(learned):
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, (60_000, 3))
    x[:50_000] *= (0.55 + random.normal(0, 0.05, (50_000, 1))) / np.abs(x[:50_000]).max(1, keepdims=True)
    q = np.abs(x) - 0.55  # a cube, and the training shapes are balls
    s = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)
    order = random.permutation(len(x))
    samples = SdfSamples(x[order].astype(np.float32), s[order].astype(np.float32))
    code = codes(learned, [samples])[0]
    points, truth = torch.tensor(x[::7], dtype=torch.float32), s[::7].clip(-0.1, 0.1)
    both = learned.field(code), learned.refine(code, Shape(samples=samples))
    rough, fine = (float(np.abs(f(points).detach().numpy().clip(-0.1, 0.1) - truth).mean()) for f in both)
    assert fine < 0.004 < 0.02 < rough


def test_bf16_learns():
    """Matrix products with 8 bits: other weights, but a loss that falls, and weights of 32 bits."""
    plan = replace(SMALL.training, precision="bf16", steps=120)
    shapes = shapes_of([balls.rows_of(radius, 4000) for radius in balls.RADII])
    space, terms = trained(replace(SMALL, training=plan), shapes)
    assert terms[-1]["distance"] < 0.5 * terms[0]["distance"]
    assert all(weight.dtype == torch.float32 for weight in space.module.parameters())
    exact, _ = trained(replace(SMALL, training=replace(plan, precision="fp32")), shapes)
    assert not torch.equal(exact.table, space.table)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_a_compiled_decoder_learns_the_same():
    """But for rounding, which other kernels do in another order."""
    plan = replace(SMALL.training, steps=3)
    shapes = shapes_of([balls.rows_of(radius, 500) for radius in balls.RADII])
    both = [trained(replace(SMALL, training=replace(plan, compile=on)), shapes)[0] for on in (False, True)]
    torch.testing.assert_close(both[0].table, both[1].table, rtol=1e-3, atol=1e-4)
