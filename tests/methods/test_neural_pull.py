"""Neural-Pull on small clouds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapts import fitted, stages
from isofield.configs import Network, NeuralPull, Optim, Schedule, WarmStart
from isofield.configs.methods import choose, find_method
from isofield.errors import InputError
from isofield.fields.evaluation import value_and_gradient
from isofield.stopwatch import measured
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


def test_descents_are_stages_of_their_own():
    config = replace(SMALL, optim=Optim(20, 1000), warm_start=replace(WARM, optim=Optim(20, 1000)))
    fitted(config, torus(500))  # what is imported on the way is no descent
    with measured() as times:
        fitted(config, torus(500))
    table = times.table()
    assert {"warm start", "descent"} <= {*table}
    assert table["rest"]["cpu_seconds"] < table["warm start"]["cpu_seconds"] + table["descent"]["cpu_seconds"]


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


def sphere(count: int, noise: float = 0.0) -> Observation:
    """Points of a sphere of radius 0.6, with noise in all directions."""
    random = np.random.default_rng(0)
    x = random.standard_normal((count, 3))
    x *= 0.6 / np.linalg.norm(x, axis=1, keepdims=True)
    return Observation(x + noise * random.standard_normal((count, 3)))


SOFT = NeuralPull(
    Network("mlp", 64, 3, activation="softplus"), None,
    Optim(150, 1000, Schedule(2e-3, "cosine", final=0.0, warm_up=0.05)), scales=(1.0, 0.5),
)  # fmt: skip
NOISE_TO_NOISE = {"pull": 0.0, "drawn": 0.5, "tangent": 1.0, "patch": 24}


def at_the_sphere(config: NeuralPull, observed: Observation) -> tuple[float, float]:
    """Mean distance of a fitted surface from the sphere, and the mean slope there, which is 1 of a distance."""
    field = fitted(config, observed)
    random = np.random.default_rng(5)
    x = random.standard_normal((2000, 3))
    normals = torch.as_tensor(x / np.linalg.norm(x, axis=1, keepdims=True), dtype=torch.float32)
    value, gradient = value_and_gradient(field, 0.6 * normals)
    error = (value.abs() / gradient.norm(dim=1)).mean()
    return float(error.detach()), float((gradient * normals).sum(1).mean().detach())


def test_noise_to_noise_keeps_the_slope_that_the_nearest_of_noisy_points_flatten():
    """The nearest of noisy points lies on the query's own side: half of the noise is missing from every distance."""
    noisy = sphere(3000, 0.03)
    error, slope = at_the_sphere(replace(SOFT, **NOISE_TO_NOISE), noisy)
    nearest_error, nearest_slope = at_the_sphere(SOFT, noisy)
    assert slope > 0.85 > 0.7 > nearest_slope
    assert error < 0.9 * nearest_error


def test_tangent_planes_halve_the_error_between_few_points():
    error, _ = at_the_sphere(replace(SOFT, tangent=1.0), sphere(200))
    nearest_error, _ = at_the_sphere(SOFT, sphere(200))
    assert error < 0.003 < 0.004 < nearest_error


def test_only_terms_with_a_weight_are_there():
    one = replace(SOFT, optim=Optim(1, 50))
    every = replace(one, drawn=0.5, within=0.1, tangent=1.0, consistency=0.1)
    assert [*stages(one, torus(100))[-1].losses] == ["pull"]
    assert [*stages(every, torus(100))[-1].losses] == ["pull", "drawn", "within", "tangent", "consistency"]


def test_nothing_that_pulls():
    with pytest.raises(InputError, match="nothing pulls"):
        replace(SOFT, pull=0.0)


@pytest.mark.parametrize("name", ["noisy", "sparse"])
def test_presets_have_the_steps_of_the_default(name):
    preset = find_method("neural-pull").presets[f"neural-pull-{name}"]
    assert preset.optim == choose("neural-pull", "balanced").optim
    assert preset.warm_start == choose("neural-pull", "balanced").warm_start
