"""The training: the same model whatever the threads, parts and processes, and after a stop."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import balls
from isofield.cli.main import main
from isofield.configs import DeepSdf, Schedule, Training
from isofield.configs.methods import SPACES, read_config
from isofield.errors import InputError
from isofield.training import Trainer
from trained import shapes_of, trainer

PLAN = Training(
    steps=9, batch=4, network_rate=Schedule(2e-3), code_rate=Schedule(5e-3), code_bound=1.0,
)  # fmt: skip
CONFIG = DeepSdf(
    length=4, dims=(24, 24, 24), latent_in=(2,), norm_layers=(0, 1, 2), dropout=(0, 1), samples=32, latent_dropout=True,
    training=PLAN,
)  # fmt: skip
SHAPES = shapes_of([balls.rows_of(radius, 500) for radius in balls.RADII])


def course(config: DeepSdf = CONFIG, seed: int = 0, **plan: object) -> Trainer:
    return trainer(replace(config, training=replace(config.training, **plan)), SHAPES, seed)


def tensors(training: Trainer) -> list[torch.Tensor]:
    return [*training.weights, training.table]


def same(one: Trainer, two: Trainer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(two), strict=True))


def advanced(training: Trainer, steps: int) -> Trainer:
    for stats in training.run():
        if stats.step == training.done and (steps := steps - 1) == 0:
            break
    return training


def test_a_state_resumes_bit_by_bit():
    whole, first, second = course(), course(), course()
    advanced(whole, 9)
    second.restore(advanced(first, 4).state())
    assert second.done == 4
    assert same(advanced(second, 5), whole)
    assert not same(first, whole)


def test_one_thread_and_two_learn_the_same_bytes():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = advanced(course(), 4)
        torch.set_num_threads(2)
        assert same(one, advanced(course(), 4))
    finally:
        torch.set_num_threads(before)


def test_parts_of_a_batch_change_nothing_but_rounding():
    still = replace(CONFIG, dropout=(), latent_dropout=False)
    one, two = advanced(course(still, batch=6), 3), advanced(course(still, batch=6, parts=2), 3)
    for a, b in zip(tensors(one), tensors(two), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_seed_decides():
    assert same(advanced(course(seed=3), 2), advanced(course(seed=3), 2))
    assert not same(advanced(course(seed=3), 2), advanced(course(seed=4), 2))


def test_codes_stay_within_their_bound_and_where_their_rate_is_zero():
    tight = advanced(course(replace(CONFIG, code_std=2.0), code_bound=0.5), 3)
    assert tight.table.norm(dim=1).max() <= 0.5 + 1e-6
    fixed = course(code_rate=Schedule(0.0), code_bound=0.0)
    before = fixed.table.clone()
    assert torch.equal(advanced(fixed, 3).table, before)


def test_a_clipped_gradient_is_as_long_as_it_may_be():
    free, clipped = advanced(course(), 1), advanced(course(clip=1e-3), 1)
    lengths = [torch.cat([w.grad.flatten() for w in one.weights]).norm().item() for one in (free, clipped)]
    assert lengths[0] > 1e-2
    assert lengths[1] == pytest.approx(1e-3, rel=1e-3)


def test_the_first_step_is_that_of_adam_by_hand():
    config = replace(CONFIG, dropout=(), latent_dropout=False, clamp=10.0)
    training = course(config, batch=6, code_bound=0.0)
    before = [tensor.detach().clone() for tensor in tensors(training)]
    stats = next(training.run())
    assert stats.rates == (2e-3, 5e-3)
    rates = [2e-3] * len(training.weights) + [5e-3]
    for tensor, old, rate in zip(tensors(training), before, rates, strict=True):
        moved, slope = tensor.detach() - old, tensor.grad
        big = slope.abs() > 1e-5
        torch.testing.assert_close(moved[big], -rate * slope[big].sign(), rtol=2e-3, atol=1e-7)


def test_codes_outside_of_the_batch_have_no_gradient():
    training = course(batch=2)
    next(training.run())
    rows = training.table.grad.abs().sum(1) > 0
    assert rows.sum() == 2


def test_fewer_shapes_than_shards_are_learned():
    still = replace(CONFIG, dropout=(), latent_dropout=False, training=replace(PLAN, batch=2, steps=60))
    losses = [stats.losses["distance"] for stats in trainer(still, SHAPES[:2]).run()]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def options(data: Path, *more: str) -> list[str]:
    return [
        "train", "deepsdf", str(data), "--no-progress", "--length", "4", "--dims", "24", "24", "24", "--latent-in", "2",
        "--training.batch", "4", "--samples", "32", "--training.steps", "6", "--training.keep", "3",
        "--training.log-every", "2", "--dropout", "0", "1", *more,
    ]  # fmt: skip


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path: Path):
    """Under torchrun, with gloo: weights and codes to the last bit."""
    data = balls.prepared(tmp_path / "data")
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "isofield"]
    done = subprocess.run([*run, *options(data, "-o", str(tmp_path / "two"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:1500]
    assert main(options(data, "-o", str(tmp_path / "one"))) == 0
    one, two = ((tmp_path / name / "space.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("one", "two")]
    assert torch.equal(states[0]["codes"], states[1]["codes"])


def test_tensorboard_gets_the_figures_of_the_log(tmp_path: Path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert main(options(balls.prepared(tmp_path / "data"), "-o", str(tmp_path / "run"))) == 0
    board = events.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    board.Reload()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    shown = board.Scalars("loss")
    assert [event.step for event in shown] == [line["step"] for line in lines] == [2, 4, 6]
    assert [event.value for event in shown] == pytest.approx([line["loss"] for line in lines])
    assert "norms/lin0.weight" in board.Tags()["scalars"]


def test_without_tensorboard_a_training_says_so_once(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert main(options(balls.prepared(tmp_path / "data"), "-o", str(tmp_path / "run"))) == 0
    assert capsys.readouterr().err.count("TensorBoard is not installed") == 1
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_a_curriculum_begins_with_its_own_batches_and_samples_and_resumes(tmp_path: Path):
    """Two steps of two shapes and a quarter of their samples, then those of a training without stages."""
    staged = course(stages=((2, 2, 4),))
    draws = []

    class Watched:
        """The space, which notes the batches that it gets."""

        def __getattr__(self, name: str) -> object:
            return getattr(staged_space, name)

        def init(self, batch):
            draws.append((batch["points"].shape[0], batch["points"].shape[1]))
            return staged_space.init(batch)

    staged_space, staged.space = staged.space, Watched()
    advanced(staged, 4)
    sizes = [draws[4 * step : 4 * step + 4] for step in range(4)]
    assert [max(samples for _, samples in one) for one in sizes] == [8, 8, 32, 32]
    first, again = advanced(course(stages=((2, 2, 4),)), 1), course(stages=((2, 2, 4),))
    again.restore(first.state())
    assert same(advanced(again, 3), advanced(course(stages=((2, 2, 4),)), 4))


def test_a_stage_without_steps_is_refused():
    with pytest.raises(InputError, match="a stage is three numbers above 0"):
        Training(steps=3, stages=((0, 2, 1),))


def test_a_curriculum_from_a_file(tmp_path: Path):
    path = tmp_path / "settings.yaml"
    path.write_text("training:\n  stages: [[2, 2, 4], [3, 4, 2]]\n")
    assert read_config("deepsdf", str(path), SPACES).training.stages == ((2, 2, 4), (3, 4, 2))


def test_a_training_that_diverges_says_so(tmp_path: Path, capsys):
    """A learning rate of 1000 makes the loss rise."""
    data, run = balls.prepared(tmp_path / "data"), str(tmp_path / "run")
    line = ["train", "concat", str(data), "-o", run, "--dims", "8", "8", "--length", "2", "--training.steps", "30"]
    assert main([*line, "--training.network-rate.kind", "constant", "--training.network-rate.initial", "1e3",
                 "--training.clip", "0", "--no-progress"]) == 0  # fmt: skip
    assert "the training has diverged; take smaller learning rates" in " ".join(capsys.readouterr().err.split())
    line[4:5], line[-1] = [str(tmp_path / "short")], "3"  # the losses of so few steps are noise
    assert main([*line, "--training.network-rate.kind", "constant", "--training.network-rate.initial", "10",
                 "--training.clip", "0", "--no-progress"]) == 0  # fmt: skip
    assert "diverged" not in capsys.readouterr().err


def test_a_training_whose_inner_steps_diverge_says_so(tmp_path: Path, capsys):
    data, run = balls.prepared(tmp_path / "data"), str(tmp_path / "run")
    line = ["train", "metasdf", str(data), "-o", run, "--config", "metasdf-sine-small", "--network.dims", "8", "8"]
    assert main([*line, "--training.steps", "2", "--rates.initial", "1e30", "--no-progress"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the inner steps diverged for 100 % of the shapes of the last batches: take smaller first step sizes" in said
