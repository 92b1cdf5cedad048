"""The loop: the same model whatever the threads, parts and processes, and after a stop."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import balls
from isofield.cli.main import main
from isofield.configs import DeepSdfConfig, RateConfig
from isofield.methods import auto_decoder
from isofield.training import Processes, Training

CONFIG = DeepSdfConfig(
    length=4, dims=(24, 24, 24), latent_in=(2,), norm_layers=(0, 1, 2), dropout=(0, 1), batch=4, samples=32, steps=9,
    decoder_rate=RateConfig(2e-3), code_rate=RateConfig(5e-3), snapshots=(), latent_dropout=True,
)  # fmt: skip
ROWS = [balls.rows_of(radius, 500) for radius in balls.RADII]


def course(config: DeepSdfConfig = CONFIG, seed: int = 0) -> Training:
    module = auto_decoder.network(config, seed)
    codes = auto_decoder.first_codes(len(ROWS), config, seed)
    inside = [float((rows[:, 3] < 0).mean()) for rows in ROWS]
    learner = auto_decoder.learner(module, codes, ROWS.__getitem__, inside, config)
    return Training(learner, auto_decoder.plan(config, len(ROWS), seed), Processes())


def tensors(training: Training) -> list[torch.Tensor]:
    return [*training.weights, training.all_codes()]


def same(one: Training, two: Training) -> bool:
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(two), strict=True))


def advanced(training: Training, steps: int) -> Training:
    for _ in range(steps):
        training.step()
    return training


def test_a_state_goes_on_bit_by_bit():
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
    still = replace(CONFIG, dropout=(), latent_dropout=False, batch=6)
    one, two = advanced(course(still), 3), advanced(course(replace(still, parts=2)), 3)
    for a, b in zip(tensors(one), tensors(two), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_seed_decides():
    assert same(advanced(course(seed=3), 2), advanced(course(seed=3), 2))
    assert not same(advanced(course(seed=3), 2), advanced(course(seed=4), 2))


def test_codes_stay_within_their_bound_and_where_their_rate_is_zero():
    tight = advanced(course(replace(CONFIG, code_bound=0.5, code_std=2.0)), 3)
    assert tight.all_codes().norm(dim=1).max() <= 0.5 + 1e-6
    fixed = course(replace(CONFIG, code_rate=RateConfig(0.0), code_bound=0.0))
    before = fixed.all_codes()
    advanced(fixed, 3)
    assert torch.equal(fixed.all_codes(), before)


def test_a_clipped_gradient_is_as_long_as_it_may_be():
    free, clipped = course(), course(replace(CONFIG, clip=1e-3))
    free.step(), clipped.step()
    lengths = [torch.cat([w.grad.flatten() for w in one.weights]).norm().item() for one in (free, clipped)]
    assert lengths[0] > 1e-2
    assert lengths[1] == pytest.approx(1e-3, rel=1e-3)


def test_the_first_steps_are_those_of_adam_by_hand():
    config = replace(CONFIG, dropout=(), latent_dropout=False, batch=6, clamp=10.0, code_bound=0.0)
    training = course(config)
    before = [weight.detach().clone() for weight in training.weights]
    figures = training.step()
    assert figures.rates == (2e-3, 5e-3)
    for weight, old in zip(training.weights, before, strict=True):
        moved, slope = weight.detach() - old, weight.grad
        big = slope.abs() > 1e-5
        torch.testing.assert_close(moved[big], -2e-3 * slope[big].sign(), rtol=2e-3, atol=1e-7)


def test_two_processes_learn_what_one_learns(tmp_path: Path):
    """Under torchrun, with gloo: weights and codes to the last bit."""
    data = balls.prepared(tmp_path / "data")
    options = (
        "train", "deepsdf", str(data), "--no-progress", "--length", "4", "--dims", "24", "24", "24", "--latent-in", "2",
        "--batch", "4", "--samples", "32", "--steps", "6", "--keep", "3", "--log-every", "2", "--dropout", "0", "1",
    )  # fmt: skip
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "isofield"]
    done = subprocess.run([*run, *options, "-o", str(tmp_path / "two")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:1500]
    assert main([*options, "-o", str(tmp_path / "one")]) == 0
    one, two = ((tmp_path / name / "space.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("one", "two")]
    assert all(np.array_equal(states[0]["codes"][s], states[1]["codes"][s]) for s in range(4))
