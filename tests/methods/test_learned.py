"""SAL, SALD, IGR, SIREN and DeepSDF on a torus: from the sides of its points, and as published."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from isofield.configs import (
    FIRST,
    LEARNED,
    DescentConfig,
    IgrConfig,
    NetworkConfig,
    SaldConfig,
    SdfRegressionConfig,
    SirenConfig,
)
from isofield.methods import fitter, igr, sald, sdf_regression, siren
from isofield.types import Observation

SINE = NetworkConfig("siren", 64, 3, w0=12.0)
SOFTPLUS = NetworkConfig("mlp", 64, 4)
FIRST_FEW = replace(FIRST, steps=50, batch=800)
FEW, MORE = DescentConfig(80, 800), DescentConfig(240, 800)


def distance(x: np.ndarray) -> np.ndarray:
    """Signed distance of x (n, 3) to a torus of radii 0.6 and 0.25."""
    return np.hypot(np.hypot(x[:, 0], x[:, 1]) - 0.6, x[:, 2]) - 0.25


@pytest.fixture(scope="module")
def torus() -> Observation:
    """1500 points drawn from the triangles of that torus, without normals."""
    mesh = trimesh.creation.torus(0.6, 0.25, 64, 32)
    return Observation(trimesh.sample.sample_surface(mesh, 1500, seed=1)[0], triangles=np.asarray(mesh.triangles))


OURS = {
    "sald": (sald.fit, SaldConfig(SINE, FIRST_FEW, FEW)),
    "sal": (sald.fit, SaldConfig(SINE, FIRST_FEW, FEW, direction=0.0)),
    "igr": (igr.fit, IgrConfig(SINE, FIRST_FEW, FEW)),
    "siren": (siren.fit, SirenConfig(SINE, FIRST_FEW, FEW)),
    "deepsdf": (sdf_regression.fit, SdfRegressionConfig(SINE, FEW, samples=50_000)),
    "sald of features": (sald.fit, SaldConfig(NetworkConfig("features", 32, 2), replace(FIRST_FEW, steps=120), FEW)),
    "igr of softplus": (igr.fit, IgrConfig(SOFTPLUS, FIRST_FEW, FEW)),
}
PUBLISHED = {
    "sald": (sald.fit, replace(SaldConfig.of("fast", "published"), network=SOFTPLUS, descent=MORE)),
    "sal": (
        sald.fit,
        replace(SaldConfig.of("fast", "published", None, directed=False), network=SOFTPLUS, descent=MORE),
    ),
    "igr": (igr.fit, replace(IgrConfig.of("fast", "published"), network=SOFTPLUS, descent=MORE)),
    "siren": (siren.fit, replace(SirenConfig.of("fast", "published"), network=SINE, descent=MORE)),
    "deepsdf": (
        sdf_regression.fit,
        replace(
            SdfRegressionConfig.of("fast", "published"),
            network=SOFTPLUS,
            descent=replace(MORE, steps=500),
            samples=50_000,
        ),
    ),
}


def error(field: torch.nn.Module) -> tuple[float, float]:
    """Mean error of the distances within 0.1 of the surface, and the share of wrong signs farther than 0.05 from it."""
    x = np.random.default_rng(9).uniform(-0.95, 0.95, (6000, 3)) * [1, 1, 0.45]
    true = distance(x)
    with torch.no_grad():
        found = field(torch.as_tensor(x, dtype=torch.float32)).double().numpy()
    near, clear = np.abs(true) < 0.1, np.abs(true) > 0.05
    return float(np.abs(found - true)[near].mean()), float((np.sign(found) != np.sign(true))[clear].mean())


@pytest.mark.parametrize("name", OURS)
def test_learns_a_torus_from_its_sides(torus, name):
    fit, config = OURS[name]
    steps = list(fit(torus, config))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    off, wrong = error(steps[-1].field)
    assert off < 0.01
    assert wrong < 0.001


@pytest.mark.parametrize("name", ["sald", "sal"])
def test_sides_keep_a_thin_ring_of_noisy_points(name):
    """A ring with a radius of 0.05 and noise of 0.01: unsigned distances alone lose it."""
    mesh = trimesh.creation.torus(0.8, 0.05, 64, 32)
    points = trimesh.sample.sample_surface(mesh, 2000, seed=1)[0]
    points = points + np.random.default_rng(0).normal(0, 0.01, points.shape)
    fit, config = OURS[name]
    field = list(fit(Observation(points, noise=0.01), replace(config, descent=FEW)))[-1].field
    turn = np.random.default_rng(1).uniform(0, 2 * np.pi, 2000)
    middle = np.stack([0.8 * np.cos(turn), 0.8 * np.sin(turn), 0 * turn], 1)
    with torch.no_grad():
        assert float((field(torch.as_tensor(middle, dtype=torch.float32)) < 0).float().mean()) > 0.995


@pytest.mark.parametrize("name", PUBLISHED)
def test_learns_a_torus_as_published(torus, name):
    fit, config = PUBLISHED[name]
    if name == "igr":  # signed normals, which the paper takes where they are given
        ring = torus.points * [1, 1, 0]
        ring *= 0.6 / np.linalg.norm(ring, axis=1, keepdims=True)
        torus = replace(torus, normals=(torus.points - ring) / np.linalg.norm(torus.points - ring, axis=1)[:, None])
    off, wrong = error(list(fit(torus, config))[-1].field)
    assert off < 0.02
    assert wrong < 0.005


def test_same_bytes_for_any_number_of_threads(torus):
    before = torch.get_num_threads()
    fit, config = OURS["sald"]
    config = replace(config, first=DescentConfig(5, 500), descent=DescentConfig(35, 500))
    weights = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        field = list(fit(torus, config, seed=3))[-1].field
        weights.append(b"".join(parameter.detach().numpy().tobytes() for parameter in field.parameters()))
    torch.set_num_threads(before)
    assert weights[0] == weights[1]


def test_points_that_were_flipped_or_lost_from_the_triangles_change_little(torus):
    """Unsigned distances do not ask how faces are wound; a missing twentieth of them leaves a small error."""
    random = np.random.default_rng(0)
    kept = torus.triangles[random.random(len(torus.triangles)) > 0.05]
    flip = random.random(len(kept)) < 0.5
    soup = np.where(flip[:, None, None], kept[:, ::-1], kept)
    fit, config = OURS["sald"]
    off, wrong = error(list(fit(replace(torus, triangles=soup), config))[-1].field)
    assert off < 0.007
    assert wrong < 0.001


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("start", ["sides", "published"])
def test_qualities_differ_in_steps_only(method, start):
    fast, balanced, best = (fitter(method, quality, start)[1] for quality in ("fast", "balanced", "best"))
    steps = [config.descent.steps for config in (fast, balanced, best)]
    assert steps == sorted(set(steps))
    same = {"descent": replace(fast.descent, steps=best.descent.steps)}
    if method != "deepsdf":
        assert (fast.first is None) == (start == "published")
        same["first"] = best.first
    assert replace(fast, **same) == best


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("network", ["siren", "mlp", "features"])
def test_every_method_takes_every_network(method, network):
    assert fitter(method, "fast", "sides", network)[1].network == NetworkConfig.of(network)
