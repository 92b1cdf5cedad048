"""SAL, SALD, IGR, SIREN and the regression of distances on a torus: from the orientation of its points, and from the
start of their papers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from adapts import fitted, stages
from isofield.configs import Igr, Network, Optim, Sald, Schedule, SdfRegression, Siren, WarmStart
from isofield.configs.common import NETWORKS
from isofield.configs.methods import METHODS, choose, find_method, method_names
from isofield.errors import InputError
from isofield.types import Observation

SINE = Network("siren", 64, 3, w0=12.0)
SOFTPLUS = Network("mlp", 64, 4)
RATE = Schedule(1e-3, "cosine", final=1e-5, warm_up=0.02)
FEW, MORE = Optim(80, 800, RATE), Optim(240, 800, RATE)
LEARNED = [name for name in method_names(METHODS) if find_method(name).learned]


def warm(scales: tuple[float, ...], anchor: float, sign: float = 0.0, steps: int = 50) -> WarmStart:
    return WarmStart(Optim(steps, 800, Schedule(1e-3, "cosine", final=3e-4)), scales, anchor, sign)


def distance(x: np.ndarray) -> np.ndarray:
    """Signed distance of x (n, 3) to a torus of radii 0.6 and 0.25."""
    return np.hypot(np.hypot(x[:, 0], x[:, 1]) - 0.6, x[:, 2]) - 0.25


@pytest.fixture(scope="module")
def torus() -> Observation:
    """1500 points drawn from the triangles of that torus, without normals."""
    mesh = trimesh.creation.torus(0.6, 0.25, 64, 32)
    return Observation(trimesh.sample.sample_surface(mesh, 1500, seed=1)[0], triangles=np.asarray(mesh.triangles))


UNSIGNED = warm((0.5, 0.15), 0.3, 2.0)
OURS = {
    "sald": Sald(SINE, UNSIGNED, FEW),
    "sal": Sald(SINE, UNSIGNED, FEW, direction=0.0),
    "igr": Igr(SINE, warm((1.0, 0.25), 0.3), FEW),
    "siren": Siren(SINE, warm((1.0,), 300.0), FEW),
    "sdf-regression": SdfRegression(SINE, FEW, samples=50_000),
    "sald of a hash grid": Sald(Network("hashgrid", 32, 2), warm((0.5, 0.15), 0.3, 2.0, 120), FEW),
    "igr of softplus": Igr(SOFTPLUS, warm((1.0, 0.25), 0.3), FEW),
}
PAPER = {
    "sald": replace(choose("sald", "fast", "paper"), network=SOFTPLUS, optim=MORE),
    "sal": replace(choose("sal", "fast", "paper"), network=SOFTPLUS, optim=MORE),
    "igr": replace(choose("igr", "fast", "paper"), network=SOFTPLUS, optim=MORE),
    "siren": replace(choose("siren", "fast", "paper"), network=SINE, optim=MORE),
    "sdf-regression": replace(
        choose("sdf-regression", "fast", "paper"), network=SOFTPLUS, optim=replace(MORE, steps=500), samples=50_000
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
def test_learns_a_torus_from_the_orientation_of_its_points(torus, name):
    off, wrong = error(fitted(OURS[name], torus))
    assert off < 0.01
    assert wrong < 0.001


@pytest.mark.parametrize("name", ["sald", "sal"])
def test_orientation_keeps_a_thin_ring_of_noisy_points(name):
    """A ring with a radius of 0.05 and noise of 0.01: unsigned distances alone lose it."""
    mesh = trimesh.creation.torus(0.8, 0.05, 64, 32)
    points = trimesh.sample.sample_surface(mesh, 2000, seed=1)[0]
    points = points + np.random.default_rng(0).normal(0, 0.01, points.shape)
    field = fitted(OURS[name], Observation(points, noise=0.01))
    turn = np.random.default_rng(1).uniform(0, 2 * np.pi, 2000)
    middle = np.stack([0.8 * np.cos(turn), 0.8 * np.sin(turn), 0 * turn], 1)
    with torch.no_grad():
        assert float((field(torch.as_tensor(middle, dtype=torch.float32)) < 0).float().mean()) > 0.995


@pytest.mark.parametrize("name", PAPER)
def test_learns_a_torus_from_the_start_of_the_paper(torus, name):
    if name == "igr":  # signed normals, which the paper takes where they are given
        ring = torus.points * [1, 1, 0]
        ring *= 0.6 / np.linalg.norm(ring, axis=1, keepdims=True)
        torus = replace(torus, normals=(torus.points - ring) / np.linalg.norm(torus.points - ring, axis=1)[:, None])
    off, wrong = error(fitted(PAPER[name], torus))
    assert off < 0.02
    assert wrong < 0.005


def test_same_bytes_for_any_number_of_threads(torus):
    before = torch.get_num_threads()
    config = replace(OURS["sald"], warm_start=replace(UNSIGNED, optim=Optim(5, 500)), optim=Optim(35, 500))
    weights = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        field = fitted(config, torus, seed=3)
        weights.append(b"".join(parameter.detach().numpy().tobytes() for parameter in field.parameters()))
    torch.set_num_threads(before)
    assert weights[0] == weights[1]


def test_points_that_were_flipped_or_lost_from_the_triangles_change_little(torus):
    """Unsigned distances do not ask how faces are wound; a missing twentieth of them leaves a small error."""
    random = np.random.default_rng(0)
    kept = torus.triangles[random.random(len(torus.triangles)) > 0.05]
    flip = random.random(len(kept)) < 0.5
    soup = np.where(flip[:, None, None], kept[:, ::-1], kept)
    off, wrong = error(fitted(OURS["sald"], replace(torus, triangles=soup)))
    assert off < 0.007
    assert wrong < 0.001


def test_the_anchors_join_the_terms_of_the_method(torus):
    """They replace none of them, whatever their names."""
    anchored = replace(warm((1.0,), 300.0, 2.0, steps=2), surface=1.0)
    config = Siren(SINE, anchored, Optim(2, 400))
    assert set(stages(config, torus)[-1].losses) == {
        "surface", "normals", "eikonal", "off_surface", "anchor_sign", "anchor_distance", "anchor_surface"
    }  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"uniform": 3.0}, {"eikonal": -1.0}, {"neighbour": 0}, {"on_normals": float("nan")}], ids=str
)
def test_settings_out_of_range(change):
    with pytest.raises(InputError, match=f"{next(iter(change))} .* is out of range"):
        replace(OURS["igr"], **change)


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("init", ["oriented", "paper"])
def test_qualities_differ_in_steps_only(method, init):
    fast, balanced, best = (choose(method, quality, init) for quality in ("fast", "balanced", "best"))
    steps = [config.optim.steps for config in (fast, balanced, best)]
    assert steps == sorted(set(steps))
    same = {"optim": replace(fast.optim, steps=best.optim.steps)}
    if method != "sdf-regression":
        assert (fast.warm_start is None) == (init == "paper")
        same["warm_start"] = best.warm_start
    assert replace(fast, **same) == best


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_method_takes_every_network(method, network):
    assert choose(method, "fast", "oriented", network).network == Network.of(network)


@pytest.mark.parametrize("method", ["sal", "sald"])
def test_unsigned_losses_need_a_start_that_has_an_inside(method):
    with pytest.raises(InputError, match="take network mlp or hashgrid, or init oriented"):
        choose(method, "fast", "paper", "siren")
