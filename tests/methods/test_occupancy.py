"""Occupancy networks: the objective by hand, and balls that are learned from clouds, voxels and codes alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from isofield.configs import Occupancy, PictureEncoder, Schedule, Training
from isofield.configs.occupancy import PAPER
from isofield.errors import InputError
from isofield.fields.occupancy_field import OccupancyField
from isofield.methods.occupancy import OccupancySpace
from isofield.methods.sald_space import Latent
from isofield.types import Batch, SdfSamples, Shape
from trained import started, trained

SMALL = Occupancy(
    length=8, dims=(48, 48, 48), width=24, rounds=2, points=64, noise=0.01, cells=16, samples=128, inside=True,
    training=Training(
        steps=250, batch=6, clip=1.0, beta2=0.99, network_rate=Schedule(4e-3, "cosine", final=1e-4),
        code_rate=Schedule(2e-2, "cosine"),
    ),
    infer_steps=60, infer_samples=256,
)  # fmt: skip
RADII = np.linspace(0.35, 0.85, 6)


def ball(radius: float, count: int = 3000) -> Shape:
    """What occupancy and surface samples say of a ball."""
    random = np.random.default_rng(round(1000 * radius))
    x, n = random.uniform(-1.1, 1.1, (count, 3)), random.normal(size=(count, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    inside = np.linalg.norm(x, axis=1) < radius
    rows = {"occupancy": np.column_stack([x, inside]), "surface": np.concatenate([radius * n, n], 1)}
    return Shape(rows={kind: some.astype(np.float32) for kind, some in rows.items()})


class Plane(nn.Module):
    """Logits 4 x_0 - z_0, in the form of a decoder."""

    def forward(self, x, z):
        return (4 * x[..., 0] - z[:, :1])[..., None]


def test_losses_are_those_of_the_paper_worked_out_by_hand():
    batch = Batch({
        "query": torch.tensor([[[0.5, 0, 0], [0.0, 0, 0]]]),  # logits 2 - 1, 0 - 1; the shift adds 1
        "outside": torch.tensor([[1.0, 0.0]]), "shift": torch.tensor([[1.0]]), "surface": torch.zeros(1, 4, 3),
    })  # fmt: skip
    code = torch.tensor([[1.0, 3.0]])
    space = OccupancySpace(replace(SMALL, input="none", prior=0.1), OccupancyField(Plane(), None))
    terms = space.losses(Latent(code), batch)
    assert float(terms["cross_entropy"]) == pytest.approx((np.log(1 + np.exp(-2)) + np.log(2)) / 2)
    assert float(terms["prior"]) == pytest.approx(0.1 * (1 + 9) / 2)
    assert float(terms["slope"]) == pytest.approx(0.01 * np.log(4))
    assert float(terms["logged/misclassified"]) == 0
    drawn = Latent(code, torch.tensor([[2.0, 0.0]]), torch.log(torch.tensor([[1.0, 2.0]])))
    terms = OccupancySpace(replace(SMALL, kl=0.5, samples=10), space.module).losses(drawn, batch)
    assert float(terms["kl"]) == pytest.approx(0.5 / 2048 * (2 + (4 - 1 - 2 * np.log(2)) / 2))
    assert "prior" not in terms


def test_half_of_the_points_of_a_variational_encoder_are_inside():
    """Where half of the queries are; else as many as of the cube."""
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (20_000, 3))
    rows = {"occupancy": np.column_stack([x, np.linalg.norm(x, axis=1) < 0.4]), "surface": np.zeros((100, 6))}
    for inside, share in ((True, 0.5), (False, 0.034)):
        space = OccupancySpace(replace(SMALL, input="none", kl=1.0, points=400, inside=inside))
        outside = space.draw(Shape(rows=rows), random)["observed"][0, :, 3]
        assert 1 - outside.mean() == pytest.approx(share, abs=0.03)


def test_the_slope_learns_and_scales_values_alone():
    module = OccupancyField(Plane(), None)
    x, z = torch.rand(1, 5, 3), torch.ones(1, 1)
    module.slope_error(x, z).sum().backward()
    assert module.log_slope.grad == -10
    module.log_slope.data.fill_(np.log(4) / 10)
    assert torch.allclose(module(x, z), x[..., 0] - 0.25)


@pytest.mark.parametrize(("input_", "kl"), [("cloud", 0.0), ("voxels", 0.1), ("none", 0.0), ("none", 0.1)])
def test_unseen_balls_have_their_radius(input_, kl):
    # of coarse voxels few balanced queries leave the ball too small
    config = replace(SMALL, input=input_, kl=kl, cells=24, channels=8, inside=input_ != "voxels")
    space, losses = trained(config, [ball(radius) for radius in RADII])
    assert np.mean([one["logged/misclassified"] for one in losses[-20:]]) < 0.08
    space = replace(space, table=space.codes([ball(radius) for radius in RADII]))
    direction = np.array([0.6, 0.0, 0.8], np.float32)
    for radius in (0.42, 0.68):
        *_, last = space.infer([ball(radius)])
        value = space.field(last.code[0])(
            torch.from_numpy(direction * np.linspace(0.1, 1, 91, dtype=np.float32)[:, None])
        )
        found = 0.1 + 0.01 * int((value < 0).sum())
        assert found == pytest.approx(radius, abs=0.06), (radius, found)
        near = space.field(last.code[0])(torch.from_numpy(direction[None] * (radius + 0.1)))
        assert 0.03 < float(near) < 0.3


def test_a_cloud_is_reframed_with_its_queries():
    space = started(replace(SMALL, reframe=1.0, noise=0.0), [ball(0.5)])
    drawn = space.draw(ball(0.5), np.random.default_rng(0))
    assert np.linalg.norm(drawn["observed"], axis=2).max() == pytest.approx(1 / 1.03, rel=1e-5)
    radius = np.linalg.norm(drawn["surface"], axis=1).mean()
    inside = drawn["outside"] < 0.5
    assert radius > 0.8 and np.linalg.norm(drawn["query"], axis=1)[inside].max() < radius * 1.15


def pictured(radius: float) -> Shape:
    """A ball with two pictures of a bright disc."""
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    disc = (255 * (x**2 + y**2 < radius**2)).astype(np.uint8)
    return Shape(rows={**ball(radius).rows, "views": np.broadcast_to(disc, (2, 3, 32, 32))})


@pytest.mark.slow
def test_a_larger_disc_in_a_picture_gives_a_larger_ball():
    training = replace(SMALL.training, steps=400, network_rate=Schedule(2e-3, "cosine", final=1e-4))
    config = replace(SMALL, input="image", picture=PictureEncoder(8, 32), samples=64, training=training)
    space, _ = trained(config, [pictured(radius) for radius in RADII])
    *_, last = space.infer([Shape(rows={"views": pictured(radius).rows["views"]}) for radius in (0.42, 0.68, 0.85)])
    x = torch.zeros(91, 3)
    x[:, 0] = torch.linspace(0.1, 1, 91)
    small, middle, large = (int((space.field(code)(x) < 0).sum()) for code in last.code)
    assert small + 15 < middle < large - 5
    with pytest.raises(InputError, match="not variational"):
        replace(config, kl=1.0)


def test_a_picture_gives_the_shape_in_its_camera_s_frame():
    """Queries and surface are turned into the camera of the picture that is drawn; of two pictures the first counts."""
    shape, random = pictured(0.5), np.random.default_rng(0)
    cameras = np.linalg.qr(random.normal(size=(2, 3, 3)))[0]
    cameras = np.concatenate([cameras * np.linalg.det(cameras)[:, None, None], np.ones((2, 3, 1))], 2)
    views = np.stack([shape.rows["views"][0], 255 - shape.rows["views"][0]])
    shape = Shape(rows={**shape.rows, "views": views, "cameras": cameras})
    config = replace(SMALL, input="image", picture=PictureEncoder(8, 32))
    plain, seen = (started(replace(config, frame=frame), [shape]) for frame in ("dataset", "camera"))
    numbers = set()
    for seed in range(6):
        before, after = (one.draw(shape, np.random.default_rng(seed)) for one in (plain, seen))
        number = int(np.array_equal(after["observed"][0], views[1]))
        numbers.add(number)
        for name in ("query", "surface"):  # right, down, forward, with the last two reversed
            assert np.allclose(after[name], before[name] @ cameras[number, :, :3].T * (1, -1, -1), atol=1e-5)
        assert np.array_equal(before["outside"], after["outside"])
    assert numbers == {0, 1}
    alone = Shape(rows={**shape.rows, "views": views[:1]})
    both, first = (seen.codes([one]) for one in (shape, alone))
    assert torch.equal(both, first) and not torch.allclose(plain.codes([shape]), first, atol=1e-4)
    with pytest.raises(InputError, match="input cloud has no camera: leave frame out"):
        replace(SMALL, frame="camera")
    with pytest.raises(InputError, match="leave it at 0 in the camera's frame"):
        replace(config, frame="camera", training=replace(config.training, validate=5))


def test_a_part_is_completed_from_signs():
    space, _ = trained(replace(SMALL, input="none"), [ball(radius) for radius in RADII])
    x = np.random.default_rng(0).uniform(-1, 1, (4000, 3)).astype(np.float32)
    x = x[x[:, 2] > 0]
    part = Shape(samples=SdfSamples(x, np.linalg.norm(x, axis=1).astype(np.float32) - 0.6))
    code = space.complete(part, 1, torch.Generator())[0]
    below = space.field(code)(torch.tensor([[0.0, 0, -0.5], [0.0, 0, -0.7]]))
    assert below[0] < 0 < below[1]


def test_settings_that_do_not_fit():
    with pytest.raises(InputError, match="code_rate"):
        replace(PAPER, input="none", training=replace(PAPER.training, code_rate=Schedule(0.0)))
    with pytest.raises(InputError, match="reframe"):
        replace(PAPER, reframe=2.0)
    with pytest.raises(InputError, match="no network"):
        started(replace(SMALL, rejoin=(9,)), [ball(0.5)])
