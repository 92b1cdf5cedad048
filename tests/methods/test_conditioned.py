"""Hypernetwork, neural process, auto-decoder and MetaSDF: four ways to a code, through one interface."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import torch

import isofield
from balls import RADII, prepared, rows_of
from isofield.api import infer_all, observed_in
from isofield.cli.main import main
from isofield.configs import Cnp, Concat, FieldNetwork, Hypernet, MetaSdf, Schedule, StepSizes, Tasks, Training
from isofield.configs.conditioned import SetEncoder
from isofield.errors import InputError
from isofield.types import Batch, SdfSamples, Shape, with_parts
from trained import shapes_of, started, trained, trainer

TRAINING = Training(steps=150, batch=6, clip=1.0, network_rate=Schedule(3e-3, "cosine"))
NETWORK = FieldNetwork(dims=(32, 32), radius=0.5)
ENCODER = SetEncoder(dims=(32, 32))
TASKS = Tasks(context=64, query=64, inside=False, infer_context=256)
CONFIGS = {
    "hypernet": Hypernet(
        NETWORK, ENCODER, length=8, dims=(16,), scale=0.1, start=True, objective="l1", tasks=TASKS, training=TRAINING
    ),
    "cnp": Cnp(ENCODER, length=8, dims=(32, 32), objective="l1", tasks=TASKS, training=TRAINING),
    "local": Cnp(
        ENCODER, length=8, local=True, cells=8, channels=4, dims=(32, 32), objective="l1", tasks=TASKS,
        training=TRAINING,
    ),
    "concat": Concat(
        length=8, dims=(32, 32), objective="l1", tasks=replace(TASKS, query=0), infer_steps=150, infer_samples=256,
        infer_rate=3e-2, training=replace(TRAINING, code_rate=Schedule(1e-2, "cosine")),
    ),
    "metasdf": MetaSdf(
        NETWORK, StepSizes(2e-2, positive=True), steps=2, infer_steps=2, objective="l1", tasks=TASKS,
        training=replace(TRAINING, steps=60),
    ),
}  # fmt: skip


def discs(radii=RADII, count: int = 1500) -> list[Shape]:
    """Shapes in the plane: samples of their distance, and points of their boundary."""
    made = []
    for radius in radii:
        random = np.random.default_rng([7, round(1000 * radius)])
        x = random.uniform(-1, 1, (count, 2))
        on = random.normal(size=(200, 2))
        on *= radius / np.linalg.norm(on, axis=1, keepdims=True)
        plane = np.column_stack([x, np.linalg.norm(x, axis=1) - radius])
        made.append(Shape(rows={"plane": plane.astype(np.float32), "contour": on.astype(np.float32)}))
    return made


def balls(radii=RADII) -> list[Shape]:
    return shapes_of([rows_of(radius, 2000) for radius in radii])


def half(radius: float) -> SdfSamples:
    """Samples beside the upper half of a sphere, and points outside it whose distance has a lower bound alone, 0."""
    random = np.random.default_rng(3)
    x, away = random.normal(size=(800, 3)), np.repeat([-0.02, 0.0, 0.02, 0.0], 200)
    x[:, 2] = np.abs(x[:, 2])
    free, order = np.arange(800) >= 600, random.permutation(800)
    lengths = radius + np.where(free, random.uniform(0, 0.3, 800), away)
    x *= (lengths / np.linalg.norm(x, axis=1))[:, None]
    return SdfSamples(x[order].astype(np.float32), away[order].astype(np.float32), free[order])


def on_the_surface(config):
    """The same settings, from boundary points."""
    config = replace(config, tasks=replace(config.tasks, context_from="surface", query=64))
    return replace(config, objective="composite") if isinstance(config, MetaSdf) else config


def codes_of(space, shapes) -> torch.Tensor:
    *_, last = space.infer(shapes)
    return last.code


def error(space, shapes, codes) -> float:
    """Mean |f - s| in the plane."""
    plane = np.stack([shape.rows["plane"] for shape in shapes])
    with torch.no_grad():
        value = space.module(torch.from_numpy(plane[..., :2]), codes).numpy()
    return float(np.abs(value - plane[..., 2]).mean())


@pytest.mark.parametrize("name", CONFIGS)
def test_unseen_discs(name):
    """The error of the mean disc is 0.13; every way to a code is below half of it after a short training."""
    space, _ = trained(CONFIGS[name], discs())
    shapes = discs((0.4, 0.6, 0.8))
    codes = codes_of(space, shapes)
    assert error(space, shapes, codes) < 0.06
    assert torch.equal(codes[1], codes_of(space, shapes[1:2])[0])  # not of its batch


@pytest.mark.parametrize("name", ["hypernet", "cnp", "metasdf"])
def test_half_a_ball_is_completed(name):
    """Encoders and inner steps do not know parts; the training codes do. The error of the mean ball is 0.13."""
    space, _ = trained(CONFIGS[name], balls())
    with torch.no_grad():
        space = with_parts(space, space.module, space.codes(balls()))
    for radius in (0.4, 0.6, 0.8):
        (code,) = space.complete(Shape(samples=half(radius)), 1, torch.Generator())
        whole = rows_of(radius, 2000, seed=1)
        with torch.no_grad():
            value = space.field(code)(torch.from_numpy(whole[:, :3])).numpy()
        assert np.abs(value - whole[:, 3]).mean() < 0.04


@pytest.mark.parametrize("name", ["hypernet", "local"])
def test_unseen_discs_from_their_boundary(name):
    space, _ = trained(on_the_surface(CONFIGS[name]), discs())
    shapes = discs((0.4, 0.6, 0.8))
    unseen = [Shape(rows={"plane": shape.rows["plane"][:3] * 0, "contour": shape.rows["contour"]}) for shape in shapes]
    assert error(space, shapes, codes_of(space, unseen)) < 0.06


def test_a_table_learns_from_samples_and_infers_from_the_boundary():
    """The boundary alone tells little of a code that starts at 0, but the values there become 0."""
    space, _ = trained(on_the_surface(CONFIGS["concat"]), discs())
    shapes = discs((0.6,))
    codes = codes_of(space, shapes)
    with torch.no_grad():
        value = space.module(torch.from_numpy(shapes[0].rows["contour"])[None], codes)
    assert value.abs().mean() < 0.02


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("objective", ["l1", "mse", "composite"])
def test_every_weight_has_a_gradient_in_the_plane_and_in_space(name, objective):
    for shapes in (discs(), balls()):
        space = started(replace(CONFIGS[name], objective=objective), shapes)
        some, random = list(enumerate(shapes))[:4], np.random.default_rng(0)
        drawn = [space.draw(shape, random) for _, shape in some]
        tensors = {key: torch.from_numpy(np.stack([one[key] for one in drawn])) for key in drawn[0]}
        batch = Batch({"row": torch.tensor([row for row, _ in some]), **tensors})
        space.table.requires_grad_()
        terms = space.losses(space.init(batch), batch)
        weights = dict(space.module.named_parameters())
        weights |= {"table": space.table} if space.table.numel() else {}
        total = sum(value for value in terms.values() if value.requires_grad)
        slopes = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
        for (key, _), slope in zip(weights.items(), slopes, strict=True):
            unused = objective != "composite" and key in ("deviations", "inner", "outer")
            assert (slope is None or not slope.any()) == unused, key


@pytest.mark.parametrize("name", CONFIGS)
def test_losses_of_a_shape_do_not_depend_on_the_others(name):
    shapes = discs()
    space = started(CONFIGS[name], shapes)
    drawn = [space.draw(shape, np.random.default_rng(row)) for row, shape in enumerate(shapes)]

    def losses(rows: list[int]) -> float:
        tensors = {key: torch.from_numpy(np.stack([drawn[row][key] for row in rows])) for key in drawn[0]}
        batch = Batch({"row": torch.tensor(rows), **tensors})
        return sum(float(term.detach()) for term in space.losses(space.init(batch), batch).values())

    assert losses([0, 1, 2]) == pytest.approx(losses([2]) + losses([1]) + losses([0]), rel=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_training_resumes(name, tmp_path):
    shapes = discs()
    whole, first, second = (trainer(CONFIGS[name], shapes) for _ in range(3))
    for course, steps in ((whole, 6), (first, 3)):
        deque(course.run(lambda course=course, steps=steps: course.done + 1 >= steps), 0)
    torch.save(first.state(), tmp_path / "state.pt")
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    deque(second.run(lambda: second.done + 1 >= 6), 0)
    assert (second.done, whole.done) == (6, 6)
    for one, other in zip([*whole.weights, whole.table], [*second.weights, second.table], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["hypernet", "concat", "cnp", "metasdf"])
def test_commands(name, tmp_path, capsys):
    """train, infer of a ball that was not learned, and interpolate."""
    data = prepared(tmp_path / "data")
    dims = "--network.dims" if name == "metasdf" else "--dims"
    few = ["--training.steps", "5", "--tasks.context", "64", dims, "16", "16", "--no-progress"]
    assert main(["train", name, str(data), "-o", str(tmp_path / "run"), *few, "--training.compile"]) == 2
    assert "space has no decoder to compile: leave training.compile out." in capsys.readouterr().err
    assert main(["train", name, str(data), "-o", str(tmp_path / "run"), *few]) == 0
    other = prepared(tmp_path / "other", {"unseen": rows_of(0.5, 3000)})
    assert main(["infer", str(tmp_path / "run"), str(other), "-o", str(tmp_path / "out"), "--resolution", "24"]) == 0
    space = isofield.load(tmp_path / "run")
    (found,) = infer_all(space, [read() for _, read in observed_in([other], space.prepare)])
    with np.load(tmp_path / "out" / "codes.npz") as written:
        assert np.array_equal(written["codes"][0], found.code)
    ends = [space.shapes[0].id, space.shapes[1].id]
    way = ["interpolate", str(tmp_path / "run"), *ends, "-o", str(tmp_path / "way"), "--steps", "3"]
    assert main([*way, "--resolution", "24"]) == 0
    assert len([*(tmp_path / "way").glob("*.ply")]) == 3


def test_the_surface_of_a_space_that_is_hardly_trained_is_marked(tmp_path, capsys):
    """A sine network of high frequency with its first weights is 0 all over the box, and its mesh is huge."""
    data = prepared(tmp_path / "data")
    sine = ["--network.w0", "90", "--network.dims", "32", "32", "--rates.initial", "1e-9", "--training.steps", "1"]
    sine += ["--tasks.context", "64"]
    assert main(["train", "metasdf", str(data), "-o", str(tmp_path / "run"), *sine, "--no-progress"]) == 0
    other = prepared(tmp_path / "other", {"unseen": rows_of(0.5, 3000)})
    assert main(["infer", str(tmp_path / "run"), str(other), "-o", str(tmp_path / "out"), "--resolution", "64"]) == 0
    said = "its surface has more than five times the area of the unit sphere: the space is hardly trained"
    assert f"unseen (1 of 1): {said}." in capsys.readouterr().err
    assert said in (tmp_path / "out" / "report.csv").read_text()


def test_settings_that_do_not_fit():
    with pytest.raises(InputError, match="give a code_rate above 0"):
        replace(CONFIGS["concat"], training=TRAINING)
    with pytest.raises(InputError, match="leave code_rate at 0"):
        replace(CONFIGS["cnp"], training=CONFIGS["concat"].training)
    with pytest.raises(InputError, match="give a query above 0"):
        Tasks(context_from="surface", query=0)
    with pytest.raises(InputError, match="change dims, rejoin or length"):
        started(replace(CONFIGS["cnp"], dims=(8, 8), rejoin=(1,)), discs())
