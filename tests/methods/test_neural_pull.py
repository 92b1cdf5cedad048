"""Neural-Pull on small clouds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapts import fitted
from isofield.configs import Network, NeuralPull, Optim, Schedule, WarmStart
from isofield.configs.methods import choose, find_method
from isofield.types import Observation

WARM = WarmStart(Optim(60, 1000, Schedule(1e-3, "cosine", final=3e-4)), (0.5, 0.25), 0.3, surface=0.5)
SMALL = NeuralPull(Network("siren", 64, 3, w0=12.0), WARM, Optim(90, 1000))
PAPER = NeuralPull(Network("mlp", 64, 4, activation="relu"), None, Optim(150, 1000), scales=(1.0, 0.5))


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


@pytest.mark.parametrize(("config", "error"), [(SMALL, 0.015), (PAPER, 0.04)])
def test_learns_the_distance_to_a_torus(config, error):
    field = fitted(config, torus(4000, 0.003))
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
        config = replace(SMALL, warm_start=replace(WARM, optim=Optim(5, 1000)), optim=Optim(40, 1000))
        field = fitted(config, torus(1500), seed=3)
        weights.append(b"".join(parameter.detach().numpy().tobytes() for parameter in field.parameters()))
    assert weights[0] == weights[1]


def test_the_paper_preset_has_the_papers_steps():
    assert (
        choose("neural-pull", "best", "paper").optim.steps
        < 40_000
        == find_method("neural-pull").presets["neural-pull-paper"].optim.steps
    )
