"""SAL and SALD for many shapes: the objective by hand, and that they learn and infer without any sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import balls
from isofield.configs import Augmentation, PointEncoder, SaldSpace, Schedule, Training
from isofield.configs.sald_space import SAL_PAPER, SALD_PAPER, SALD_PAPER_TABLE
from isofield.errors import InputError
from isofield.fields.autoencoder import Autoencoder
from isofield.methods.sald_space import Latent, SaldShapeSpace
from isofield.types import Batch, Shape
from trained import started, trained, trainer

ENCODED = SaldSpace(
    length=4, dims=(32,) * 4, skip=(2,), norm_layers=(), radius=0.5, same_start=True, direction=0.1, samples=64,
    encoder=PointEncoder(width=16, rounds=2, points=32, keep_scale=True), infer_draws=4, infer_steps=100,
    infer_samples=256, infer_rate=0.1, infer_prior=1e-5, infer_relative=True, infer_polish=30,
    training=Training(steps=400, batch=6, clip=5.0, beta2=0.99, network_rate=Schedule(4e-3, "cosine", final=1e-4)),
)  # fmt: skip
TABLE = replace(
    ENCODED, encoder=None, infer_by="code",
    training=replace(ENCODED.training, code_rate=Schedule(1e-2, "cosine")),
)  # fmt: skip


def ball(radius: float, count: int = 3000, seed: int = 0) -> Shape:
    """What unsigned samples say of a ball."""
    random = np.random.default_rng([seed, round(1000 * radius)])
    around = random.normal(size=(2, count, 3))
    around /= np.linalg.norm(around, axis=2, keepdims=True)
    x = radius * around[0] + random.choice([0.02, 0.3], (count, 1)) * random.normal(size=(count, 3))
    r = np.linalg.norm(x, axis=1, keepdims=True)
    rows = np.concatenate([x, np.abs(r - radius), np.sign(r - radius) * x / r], 1)
    on = np.concatenate([radius * around[1], around[1]], 1)
    return Shape(rows={"unsigned": rows.astype(np.float32), "surface": on.astype(np.float32)})


class Plane(nn.Module):
    """f(x; z) = 2 x_0 - z_0, in the form of a decoder."""

    def forward(self, x, z):
        return 2 * x[..., 0] - z[:, :1]

    def value_and_gradient(self, x, z):
        return self(x, z), torch.tensor([2.0, 0, 0]).expand(x.shape)


def test_losses_are_those_of_the_paper_worked_out_by_hand():
    batch = Batch({
        "query": torch.tensor([[[0.5, 0, 0], [0.1, 0, 0]], [[0.0, 0, 0], [1.0, 0, 0]]]),  # f: 0.7, -0.1; -1, 1
        "distance": torch.tensor([[0.5, 0.2], [1.0, 0.5]]),  # | |f| - d |: 0.2, 0.1; 0, 0.5
        "direction": torch.tensor([[[-1.0, 0, 0], [0, 1, 0]], [[0, 0, 0], [0.6, 0.8, 0]]]),  # 1, 3; none, 2.2
        "points": torch.zeros(2, 1, 3), "normals": torch.tensor([[[0.0, 0, 1]], [[-1.0, 0, 0]]]),  # 3; 1
    })  # fmt: skip
    code = torch.tensor([[0.3, 0.5], [1.0, -1.0]])
    space = SaldShapeSpace(replace(TABLE, length=2, direction=0.1, normals=0.5, prior=0.01), Plane())
    terms = space.losses(Latent(code), batch)
    assert float(terms["distance"]) == pytest.approx((0.2 + 0.1) / 2 + (0 + 0.5) / 2)
    assert float(terms["direction"]) == pytest.approx(0.1 * ((1 + 3) / 2 + 2.2))
    assert float(terms["normals"]) == pytest.approx(0.5 * (3 + 1))
    assert float(terms["prior"]) == pytest.approx(0.01 * ((0.09 + 0.25) / 2 + 1))
    encoded = SaldShapeSpace(replace(ENCODED, length=2), Autoencoder(Plane(), nn.Module()))
    terms = encoded.losses(Latent(code, code, torch.tensor([[-10.0, -1.0], [1.0, 1.0]])), batch)
    assert float(terms["regularizer"]) == pytest.approx(1e-3 * ((0.8 + 9) / 2 + (2 + 4) / 2))
    assert "prior" not in terms
    sal = SaldShapeSpace(replace(TABLE, direction=0.0, infer_direction=0.0), Plane())
    assert {*sal.losses(Latent(code), batch)} == {"distance", "prior"}


def test_published_settings_make_the_published_networks():
    """Of 8 100 points, with weight norm; SAL's has none in the last layer; 6258 scans are 196 steps an epoch."""
    for config, lengths in ((SALD_PAPER, 3838), (SALD_PAPER_TABLE, 3838), (SAL_PAPER, 3837)):
        space = started(config, [ball(0.5, 10)])
        decoder = getattr(space.module, "decoder", space.module)
        assert sum(weight.numel() for weight in decoder.parameters()) == 1_839_358 + lengths
        assert torch.equal(space.table, torch.zeros(1, 256))
        assert float(decoder(torch.zeros(1, 1, 3), space.table[:1]).detach()) < 0
    course = trainer(SALD_PAPER, [ball(0.5, 10)] * 6258)
    assert course.steps == 5000 * 196


@pytest.fixture(scope="module", params=[ENCODED, TABLE], ids=["encoder", "table"])
def learned(request):
    """A space of balls."""
    return trained(request.param, [ball(radius) for radius in balls.RADII])[0]


def error(space, code, radius):
    """mean |f - s| near the surface of a ball: signs count."""
    rows = balls.rows_of(radius, 2000, 9)
    with torch.no_grad():
        value = space.field(code)(torch.from_numpy(rows[:, :3])).numpy()
    return np.abs(value.clip(-0.1, 0.1) - rows[:, 3].clip(-0.1, 0.1)).mean()


def code_of(space, shape, by):
    *_, last = replace(space, config=replace(space.config, infer_by=by)).infer([shape])
    return last.code[0]


def test_training_shapes_are_learned_with_their_signs(learned):
    codes = learned.codes([ball(radius) for radius in balls.RADII])
    assert max(error(learned, code, radius) for code, radius in zip(codes, balls.RADII, strict=True)) < 0.02


def test_unseen_shapes(learned):
    """By the encoder, by descent, by both, and by least squares; alone as among others."""
    ways = ("encoder", "code", "both", "lm") if learned.config.encoder else ("code", "lm")
    for radius in (0.5, 0.7):
        errors = {way: error(learned, code_of(learned, ball(radius, seed=5), way), radius) for way in ways}
        assert errors.get("encoder", 0) < 0.03
        assert errors["code"] < 0.025
        assert errors["lm"] < 0.02
        assert errors.get("both", 0) < min(errors.get("encoder", 1), 0.02)
    *_, both = learned.infer([ball(0.5, seed=5), ball(0.7, seed=5)])
    assert torch.equal(both.code[1], code_of(learned, ball(0.7, seed=5), learned.config.infer_by))


def test_a_refined_field_holds_what_a_code_cannot(learned):
    """The signs of the samples come from the field of the code."""
    shape = ball(0.6, 20_000, seed=5)
    code = code_of(learned, ball(0.65, seed=5), learned.config.infer_by)  # of a larger shape
    assert error(learned, code, 0.6) > 0.02
    field = learned.refine(code, shape)
    rows = balls.rows_of(0.6, 2000, 9)
    value = field(torch.from_numpy(rows[:, :3])).detach().numpy()
    near = np.abs(rows[:, 3]) < 0.1
    assert np.abs(value - rows[:, 3])[near].mean() < 0.005


def test_copies_are_similar_shapes():
    """Distances and directions of a copy are those to its own surface: here to a ball that is scaled and off-centre."""
    config = replace(ENCODED, augmentation=Augmentation("xz", 0.3, 40.0, "y"))
    space, center = SaldShapeSpace(config), np.array([0.3, 0.1, -0.2])
    rows = {
        name: np.concatenate([some[:, :3] + center, some[:, 3:]], 1).astype(np.float32)
        for name, some in ball(0.4).rows.items()
    }
    centers, lowest, random = [], list[float](), np.random.default_rng(0)
    for _ in range(20):
        copy = space.draw(Shape(rows=rows), random)
        middle = copy["points"].astype(float)
        system = np.column_stack([2 * middle, np.ones(len(middle))])
        found = np.linalg.lstsq(system, np.square(middle).sum(1), rcond=None)[0]  # the sphere through the points
        radius = np.sqrt(found[3] + np.square(found[:3]).sum())
        away = copy["query"] - found[:3]
        distance = np.linalg.norm(away, axis=1) - radius
        assert np.abs(np.abs(distance) - copy["distance"]).max() < 1e-5
        unit = np.sign(distance)[:, None] * away / np.linalg.norm(away, axis=1, keepdims=True)
        assert np.abs(unit - copy["direction"])[np.abs(distance) > 1e-3].max() < 1e-3
        assert np.abs(copy["normals"] - (middle - found[:3]) / radius).max() < 1e-4
        assert 0.4 * np.exp(-0.3) - 1e-5 < radius < 0.4 * np.exp(0.3) + 1e-5
        centers.append(found[:3])
        lowest.append(middle[:, 1].min())
    assert {*np.sign(np.array(centers)[:, 0])} == {-1.0, 1.0}
    assert np.abs(np.array(lowest) - (0.1 - 0.4)).max() < 0.08  # of few points: they stand on one floor


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="augmentation needs an encoder"):
        replace(TABLE, augmentation=Augmentation("x"))
    with pytest.raises(InputError, match="infer_by both needs an encoder"):
        replace(TABLE, infer_by="both")
    with pytest.raises(InputError, match="constant in pieces"):
        replace(ENCODED, activation="relu")
    with pytest.raises(InputError, match="these settings make no network"):
        started(replace(ENCODED, dims=(6,) * 4), [ball(0.5, 10)])
