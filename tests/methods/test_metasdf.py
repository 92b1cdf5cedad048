"""MetaSDF: a new shape in a few steps, and what the training of the start and the step sizes promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from balls import rows_of
from isofield.configs import FieldNetwork, Linear, MetaLinear, MetaSdf, Schedule, StepSizes, Tasks, Training
from isofield.configs.metasdf import PLANE_SINE, SINE_SMALL
from isofield.fields.serialization import build, describe, tensors
from isofield.methods import metasdf
from isofield.sampling import tasks
from isofield.types import Batch, Shape
from trained import shapes_of, started, trained, trainer

RADII = np.linspace(0.35, 0.85, 6)
CONFIG = MetaSdf(
    FieldNetwork(dims=(32, 32, 32), radius=0.5), StepSizes(2e-2, positive=True), steps=3, infer_steps=3,
    objective="l1", tasks=Tasks(context=128, query=128, infer_context=512),
    training=Training(steps=60, batch=6, clip=1.0, network_rate=Schedule(3e-3, "cosine")),
)  # fmt: skip
LINEAR = MetaLinear(
    Linear(cells=8, samples=2000, evidence=2000), FieldNetwork(dims=(16, 16)),
    tasks=CONFIG.tasks, training=CONFIG.training,
)  # fmt: skip


def balls(radii=RADII) -> list[Shape]:
    return shapes_of([rows_of(radius, 3000) for radius in radii])


def unseen() -> list[Shape]:
    return shapes_of([rows_of(radius, 3000, seed=1) for radius in (0.4, 0.6, 0.8)])


def error(space, shapes, **changes) -> float:
    """Mean |f - s| of inferred shapes where |s| < 0.1."""
    space = replace(space, config=replace(space.config, **changes))
    *_, last = space.infer(shapes)
    x, s = (torch.from_numpy(np.stack([getattr(one.sdf, name) for one in shapes])) for name in ("points", "distance"))
    with torch.no_grad():
        return float((space.module(x, last.code) - s).abs()[s.abs() < 0.1].mean())


def batch_of(space, shapes) -> Batch:
    random = np.random.default_rng(0)
    drawn = [space.draw(shape, random) for shape in shapes]
    tensors = {name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]}
    return Batch({"row": torch.arange(len(shapes)), **tensors})


@pytest.fixture(scope="module")
def space():
    return trained(CONFIG, balls())[0]


def test_three_steps_become_an_unseen_ball(space):
    """The learned start alone is off by the spread of the radii, 0.11 and more; three steps are three times as near."""
    steps = [error(space, unseen(), infer_steps=number) for number in range(4)]
    assert steps[0] > 0.1
    assert steps[3] < 0.03


def test_three_steps_on_a_code_become_an_unseen_ball():
    """The weights are shared; the steps adapt eight numbers."""
    config = replace(CONFIG, network=replace(CONFIG.network, length=8), rates=StepSizes(1.0, positive=True))
    space, _ = trained(config, balls())
    *_, last = space.infer(unseen())
    assert last.code.shape == (3, 8)
    steps = [error(space, unseen(), infer_steps=number) for number in (0, 3)]
    assert steps[1] < 0.05 < 0.08 < steps[0]
    again = build(describe(space.module), tensors(space.module))
    x = torch.from_numpy(unseen()[0].sdf.points)[None]
    assert torch.equal(again(x, last.code[:1]), space.module(x, last.code[:1]))


def test_three_steps_of_a_sine_network_become_an_unseen_disc():
    """The preset of the plane, narrower and for 60 steps."""
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 2)).astype(np.float32)
    discs = [Shape(rows={"plane": np.c_[x, np.linalg.norm(x, axis=1) - radius].astype(np.float32)}) for radius in RADII]
    narrow = replace(PLANE_SINE.network, dims=(32, 32, 32))
    training = replace(PLANE_SINE.training, steps=60, network_rate=Schedule(2e-3, "cosine"))
    space, _ = trained(replace(PLANE_SINE, network=narrow, training=training), discs[::2])
    off = []
    for steps in (0, 3):
        *_, last = replace(space, config=replace(space.config, infer_steps=steps)).infer(discs[1::2])
        truth = torch.from_numpy(np.stack([disc.rows["plane"][:, 2] for disc in discs[1::2]]))
        off.append(float((space.module(torch.from_numpy(x).expand(3, -1, -1), last.code) - truth).abs().mean()))
    assert off[1] < 0.03 < 0.1 < off[0]


def test_five_steps_of_a_sine_network_that_learned_three_become_an_unseen_ball():
    """The preset of space, narrower and for 60 steps; the last step sizes are taken again."""
    narrow = replace(SINE_SMALL.network, dims=(32, 32, 32), w0=10.0)
    training = replace(SINE_SMALL.training, steps=60, network_rate=Schedule(2e-3, "cosine"))
    tasks = replace(SINE_SMALL.tasks, context=128, query=128, infer_context=2048)
    space, _ = trained(replace(SINE_SMALL, network=narrow, training=training, tasks=tasks), balls())
    none, three, five = (error(space, unseen(), infer_steps=steps) for steps in (0, 3, 5))
    assert max(three, five) < 0.01 < 0.1 < none


def test_more_steps_than_were_trained_are_taken_and_adam_gets_nearer(space):
    assert error(space, unseen(), infer_steps=6) < 0.05
    assert error(space, unseen(), infer_by="adam", infer_rate=1e-3) < error(space, unseen())


@pytest.mark.parametrize("per", ["network", "tensor", "weight"])
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_learned_step_sizes_move_and_fixed_ones_do_not(per, per_step, positive):
    for learned in (False, True):
        rates = StepSizes(1e-2, per, per_step, learned, positive)
        config = replace(CONFIG, rates=rates, training=replace(CONFIG.training, steps=3))
        begun, after = started(config, balls()), trained(config, balls())[0]
        moved = (begun.module.steps != after.module.steps).any(1)
        assert moved.tolist() == [learned] * (3 if per_step else 1)


def test_second_order_learns_what_first_order_does(space):
    """Both below a bound that the start alone is far from."""
    first = trained(replace(CONFIG, first_order=True), balls())[0]
    assert error(first, unseen()) < 0.04
    assert error(space, unseen()) < 0.04
    assert error(started(CONFIG, balls()), unseen()) > 0.08


@pytest.mark.parametrize("first_order", [False, True])
def test_shapes_together_and_one_after_the_other_give_the_same_gradients(first_order, monkeypatch):
    shapes, found = balls(), []
    space = started(replace(CONFIG, first_order=first_order), shapes)
    batch = batch_of(space, shapes)
    for together in (2**30, 1):
        monkeypatch.setattr(metasdf, "TOGETHER", together)
        terms = space.losses(space.init(batch), batch)
        found.append(torch.autograd.grad(terms["outer"], [space.module.start, space.module.steps]))
    for one, other in zip(*found, strict=True):
        assert (one - other).abs().max() < 1e-4 * one.abs().max()


def test_a_training_that_diverges_is_counted_and_goes_to_its_end():
    """Steps of 1e30 leave no finite weights; the start learns nevertheless."""
    rates = StepSizes(1e30, learned=False)
    space, losses = trained(replace(CONFIG, rates=rates, training=replace(CONFIG.training, steps=5)), balls())
    assert [round(one["logged/diverged"], 5) for one in losses] == [1.0] * 5
    assert all(weight.isfinite().all() for weight in space.module.parameters())
    *_, last = space.infer(unseen())
    assert last.notes == ("the inner steps diverge, and the result of the first 0 of 3 is taken",) * 3
    assert last.code.isfinite().all()


def test_samples_that_repeat_give_the_loss_and_the_weights_of_the_samples_alone():
    """A shape of 40 samples in a batch of contexts of 120 counts as a mask over 40 would have it."""
    rows = rows_of(0.6, 40)
    space = started(CONFIG, balls())
    once = {"context": rows[:, :3], "context_value": rows[:, 3]}
    found = []
    for count in (1, 3):
        tensors = {name: torch.from_numpy(np.concatenate([values] * count)[None]) for name, values in once.items()}
        batch = Batch(tensors)
        adapted = space.init(batch)
        loss = space.losses(adapted, batch)["outer"]
        found.append((adapted.theta, loss, *torch.autograd.grad(loss, [space.module.start, space.module.steps])))
    for one, other in zip(*found, strict=True):
        assert (one - other).abs().max() < 1e-4 * one.abs().max()


def test_few_samples_of_a_training_shape_are_named():
    with pytest.warns(UserWarning, match="1 of 2 shapes have fewer than 128 samples, which repeat"):
        started(CONFIG, shapes_of([rows_of(0.5, 3000), rows_of(0.6, 3000)[:100]]))


def test_a_training_resumes_as_if_it_had_not_been_stopped():
    whole, part = trainer(CONFIG, balls()), trainer(CONFIG, balls())
    steps = part.run()
    for _ in range(20):
        next(steps)
    steps.close()
    again = trainer(CONFIG, balls())
    again.restore(part.state())
    for one in (whole, again):
        for _ in one.run():
            pass
    assert torch.equal(whole.space.module.start, again.space.module.start)
    assert torch.equal(whole.space.module.steps, again.space.module.steps)


def test_few_samples_repeat_and_one_side_alone_is_taken(space):
    """Ten samples of a ball, and samples outside of it alone."""
    few = shapes_of([rows_of(0.6, 3000)[:10]])
    outside = shapes_of([rows_of(0.6, 3000)])
    rows = rows_of(0.6, 3000)
    outside = shapes_of([rows[rows[:, 3] > 0]])
    for shapes in (few, outside):
        *_, last = space.infer([*shapes, *unseen()])
        assert last.code.isfinite().all()
        assert ["fewer samples than the 128" in note for note in last.notes] == [shapes is few, False, False, False]
    whole = shapes_of([rows])
    *_, last = space.infer(outside)
    with torch.no_grad():
        value = space.module(torch.from_numpy(whole[0].sdf.points)[None], last.code)[0].numpy()
    assert np.abs(value - whole[0].sdf.distance).mean() < 0.08


@pytest.mark.parametrize("inner", ["objective", pytest.param("siren", marks=pytest.mark.slow)])
@pytest.mark.parametrize("by", ["steps", "adam"])
def test_points_on_the_surface_alone_become_an_unseen_ball(inner, by):
    """The values at surface points, or SIREN's loss, drive the steps; the start knows inside from outside."""

    def on_surface(radius: float) -> np.ndarray:
        x = np.random.default_rng(round(100 * radius)).normal(size=(600, 3))
        return (radius * x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    shapes = [replace(shape, rows={"surface": on_surface(r)}) for shape, r in zip(balls(), RADII, strict=True)]
    network = replace(CONFIG.network, activation="softplus")
    tasks = replace(CONFIG.tasks, context_from="surface", infer_context=256)
    config = replace(CONFIG, network=network, inner=inner, tasks=tasks)
    space, _ = trained(config, shapes)
    for radius, shape in zip((0.4, 0.6, 0.8), unseen(), strict=True):
        found = replace(space, config=replace(config, infer_by=by, infer_rate=1e-4, infer_polish=20))
        *_, last = found.infer([Shape(rows={"surface": on_surface(radius)})])
        with torch.no_grad():
            value = space.module(torch.from_numpy(shape.sdf.points)[None], last.code)[0].numpy()
        assert np.abs(value - shape.sdf.distance).mean() < 0.06
        assert ((value < 0) == (shape.sdf.distance < 0)).mean() > 0.75


def test_no_more_codes_of_training_shapes_than_fit_are_kept(space, monkeypatch):
    monkeypatch.setattr(tasks, "KEPT", 2 * space.module.network.length)
    assert space.codes(balls()).shape == (2, space.module.network.length)


def test_steps_from_the_answer_of_a_linear_space_get_nearer_than_it():
    """A grid of 8 cells blurs balls; the network that corrects it takes a quarter and more off the error."""
    space, _ = trained(LINEAR, balls())
    begun = started(LINEAR, balls())
    assert error(space, unseen()) < 0.75 * error(begun, unseen())
    codes = space.codes(balls())
    assert torch.equal(codes[:, : space.module.coarse.length], space.table)
    x, s = (torch.from_numpy(np.stack([getattr(one.sdf, name) for one in balls()])) for name in ("points", "distance"))
    with torch.no_grad():
        assert float((space.module(x, codes) - s).abs()[s.abs() < 0.1].mean()) < 0.02
    (code,) = space.complete(unseen()[0], 1, torch.Generator().manual_seed(0))
    assert torch.equal(code[space.module.coarse.length :], space.module.meta.start)
