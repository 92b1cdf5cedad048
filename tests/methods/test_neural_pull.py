"""Neural-Pull on small clouds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isofield.configs import FIRST, DescentConfig, NetworkConfig, NeuralPullConfig
from isofield.methods.neural_pull import fit
from isofield.types import Observation

SMALL = NeuralPullConfig(
    NetworkConfig("siren", 64, 3, w0=12.0), replace(FIRST, steps=60, batch=1000), DescentConfig(90, 1000)
)
PUBLISHED = NeuralPullConfig(
    NetworkConfig("mlp", 64, 4, activation="relu"), None, DescentConfig(150, 1000), scales=(1.0, 0.5), far=0, surface=0
)


@pytest.fixture(autouse=True)
def _restore():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def torus_distance(x: np.ndarray) -> np.ndarray:
    """Signed distance of x (n, 3) to a torus of radii 0.6 and 0.25."""
    return np.hypot(np.hypot(x[:, 0], x[:, 1]) - 0.6, x[:, 2]) - 0.25


def torus(count: int, noise: float = 0.0, seed: int = 0) -> Observation:
    """Points of that torus, moved off it by `noise`."""
    random = np.random.default_rng(seed)
    u, v = random.uniform(0, 2 * np.pi, (2, count))
    ring = 0.6 + (0.25 + random.normal(0, noise, count)) * np.cos(v)
    return Observation(np.stack([ring * np.cos(u), ring * np.sin(u), 0.25 * np.sin(v)], 1))


def _last(observed: Observation, config: NeuralPullConfig, seed: int = 0):
    steps = list(fit(observed, config, seed))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    return steps[-1].field


@pytest.mark.parametrize(("config", "error"), [(SMALL, 0.015), (PUBLISHED, 0.04)])
def test_learns_the_distance_to_a_torus(config, error):
    field = _last(torus(4000, 0.003), config)
    x = np.random.default_rng(9).uniform(-0.9, 0.9, (4000, 3)) * [1, 1, 0.4]
    true = torus_distance(x)
    with torch.no_grad():
        found = field(torch.as_tensor(x, dtype=torch.float32)).numpy()
    near = np.abs(true) < 0.1
    assert np.abs(found - true)[near].mean() < error
    clear = np.abs(true) > 3 * error
    assert (np.sign(found) == np.sign(true))[clear].mean() > 0.995


def test_same_bytes_for_any_number_of_threads():
    weights = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        field = _last(
            torus(1500), replace(SMALL, first=DescentConfig(5, 1000), descent=DescentConfig(40, 1000)), seed=3
        )
        weights.append(b"".join(parameter.detach().numpy().tobytes() for parameter in field.parameters()))
    assert weights[0] == weights[1]


def test_qualities_differ_in_steps_only():
    for start in ("sides", "published"):
        fast, balanced, best = (NeuralPullConfig.of(quality, start) for quality in ("fast", "balanced", "best"))
        assert fast.descent.steps < balanced.descent.steps < best.descent.steps
        assert replace(fast, first=best.first, descent=replace(fast.descent, steps=best.descent.steps)) == best
